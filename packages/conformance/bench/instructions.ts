import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { type Subject, startSubject } from './subject-process.ts';

/** How user instructions per request are counted. Both count the whole process, all its threads. */
export type Counter = 'perf' | 'callgrind';

/** The processor's own counters where they are to be had, else valgrind's callgrind, else nothing. */
export function findCounter(): Counter | undefined {
  const perf = spawnSync('perf', ['stat', '-x,', '-e', 'instructions:u', 'true'], { encoding: 'utf8' });
  if (perf.status === 0 && /^\d+,/m.test(perf.stderr)) return 'perf';
  return spawnSync('callgrind_control', ['--version']).status === 0 ? 'callgrind' : undefined;
}

export interface CountPlan {
  warmUp: number;
  measured: number;
}

/** User instructions that one request costs the subject, once it is warm. */
export async function countInstructions(
  counter: Counter,
  subject: Subject,
  plan: CountPlan,
): Promise<number> {
  const total = counter === 'perf' ? await countByPerf(subject, plan) : await countByCallgrind(subject, plan);
  return total / plan.measured;
}

async function countByPerf(subject: Subject, { warmUp, measured }: CountPlan): Promise<number> {
  const running = await startSubject(subject);
  await running.warmUp(warmUp);
  const perf = spawn('perf', ['stat', '-x,', '-e', 'instructions:u', '-p', String(running.pid)]);
  let text = '';
  perf.stderr.on('data', (chunk) => {
    text += chunk;
  });
  await running.send(measured);
  perf.kill('SIGINT');
  await once(perf, 'close');
  await running.stop();
  return Number.parseInt(text, 10);
}

/** Slow, some fifty times, and exact whatever else the machine does. */
async function countByCallgrind(subject: Subject, { warmUp, measured }: CountPlan): Promise<number> {
  const running = await startSubject(subject, {
    execPath: 'valgrind',
    execArgv: [
      '--tool=callgrind',
      '--callgrind-out-file=/dev/null',
      // The compiler writes code while it runs.
      '--smc-check=all-non-file',
      realpathSync(process.execPath),
    ],
  });
  await running.warmUp(warmUp);
  spawnSync('callgrind_control', ['--zero', String(running.pid)]);
  await running.send(measured);
  const report = await running.stop();
  const collected = /Collected : (\d+)/.exec(report)?.[1];
  if (collected === undefined) throw new Error(`callgrind counted nothing for ${subject.name}: ${report}`);
  return Number(collected);
}
