import { benches } from './benches.ts';
import { type Counter, findCounter } from './instructions.ts';

const HELP = `Usage: npm run bench -- [--time-only] [${Object.keys(benches).join(' | ')}] …

Measures each subject against a baseline in the same run and prints the medians; revocation measures how long
every API process takes to refuse what was revoked. Without names, all of them.
Work is counted in user instructions per request: by perf where the processor's counters are to be had, else by
valgrind, which takes a minute or two for each. --time-only leaves that out and compares user CPU time.
`;

const BASIS: Record<Counter | 'time', string> = {
  perf: 'Ratios are of user instructions per request, counted by perf.',
  callgrind:
    'Ratios are of user instructions per request, counted by callgrind: perf counts none on this machine.\n' +
    'Times and rates are from separate rounds and vary with whatever else the machine does.',
  time: 'Ratios are of user CPU time per request: expect noise.',
};

async function main(words: string[]): Promise<void> {
  const names = words.filter((word) => !word.startsWith('-'));
  const flags = words.filter((word) => word.startsWith('-'));
  const unknown = [
    ...names.filter((name) => !Object.hasOwn(benches, name)),
    ...flags.filter((flag) => !['--time-only', '--help', '-h'].includes(flag)),
  ];
  if (unknown.length > 0) {
    process.stderr.write(`Not known: ${unknown.join(', ')}\n\n${HELP}`);
    process.exitCode = 2;
    return;
  }
  if (flags.includes('--help') || flags.includes('-h')) {
    process.stdout.write(HELP);
    return;
  }
  const counter = flags.includes('--time-only') ? undefined : findCounter();
  process.stdout.write(`${BASIS[counter ?? 'time']}\n`);
  for (const name of names.length > 0 ? names : Object.keys(benches)) await run(name, counter);
}

async function run(name: string, counter: Counter | undefined): Promise<void> {
  const text = await benches[name]?.({ counter, progress });
  progress('');
  process.stdout.write(text ?? '');
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}

await main(process.argv.slice(2));
