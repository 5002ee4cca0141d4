import { setTimeout as wait } from 'node:timers/promises';
import { createOperator } from '@latchkey/registry';
import { openPostgres, openRedis } from '@latchkey/storage';
import { startPostgres } from '../../../infra/test/servers.ts';
import { createEndings, type Issued } from '../harness/endings.ts';
import { prepareProcesses } from '../harness/process-deployment.ts';
import type { ServiceProcess } from '../harness/service-process.ts';
import type { BenchOptions } from './benches.ts';
import { percentile } from './latency.ts';

const PROCESSES = 2;
const TIMES = 15;
const TARGET_MS = 1_000;
/** Between two questions to one process; what is measured is at most so much too long. */
const POLL_MS = 2;

/** How long it takes from the call that ends a credential until every API process refuses it. */
export async function measureRevocation({ progress }: BenchOptions): Promise<string> {
  const postgres = await startPostgres();
  const deployment = await prepareProcesses(postgres.url);
  const durable = openPostgres({ url: deployment.databaseUrl });
  const shared = openRedis({ url: deployment.redis.url });
  try {
    await deployment.startAuth();
    const apis = await Promise.all(Array.from({ length: PROCESSES }, () => deployment.startApi()));
    const operator = createOperator({ durable, feed: shared.feed, name: 'bench' });
    const lines: string[] = [];
    for (const [name, issue] of Object.entries(createEndings(deployment, operator))) {
      progress(`revocation of ${name}`);
      const times: number[] = [];
      for (let time = 0; time < TIMES; time++) times.push(await timeEnding(await issue(), apis));
      lines.push(format(name, times));
    }
    return `\nrevocation: until ${PROCESSES} API processes refuse (≤ ${TARGET_MS} ms, ${TIMES} times each)\n${lines.join('\n')}\n`;
  } finally {
    await Promise.all([durable.close(), shared.close()]);
    await deployment.close();
    await postgres.stop();
  }
}

async function timeEnding({ bearer, end }: Issued, apis: ServiceProcess[]): Promise<number> {
  for (const api of apis) {
    const status = await call(api, bearer);
    if (status !== 200) throw new Error(`before it was revoked the answer was ${status}`);
  }
  const started = performance.now();
  await Promise.all([end(), ...apis.map((api) => untilRefused(api, bearer))]);
  return performance.now() - started;
}

async function untilRefused(api: ServiceProcess, bearer: string): Promise<void> {
  while ((await call(api, bearer)) !== 401) await wait(POLL_MS);
}

async function call(api: ServiceProcess, bearer: string): Promise<number> {
  const response = await fetch(`${api.url}/api/v2/work-orders`, {
    headers: { authorization: `Bearer ${bearer}` },
  });
  await response.arrayBuffer();
  return response.status;
}

function format(name: string, times: number[]): string {
  const ms = (value: number) => `${value.toFixed(0)} ms`.padStart(10);
  const slowest = Math.max(...times);
  const verdict = slowest <= TARGET_MS ? 'met' : 'MISSED';
  return `${name.padEnd(38)}${ms(percentile(times, 0.5))} median${ms(slowest)} slowest   ${verdict}`;
}
