import { type Comparison, compare, type Row } from './compare.ts';
import { comparisons } from './comparisons.ts';
import { type Counter, findCounter } from './instructions.ts';

const HELP = `Usage: npm run bench -- [--time-only] [${Object.keys(comparisons).join(' | ')}] …

Measures each subject against a baseline in the same run and prints the medians. Without names, all of them.
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
    ...names.filter((name) => !Object.hasOwn(comparisons, name)),
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
  for (const name of names.length > 0 ? names : Object.keys(comparisons)) await run(name, counter);
}

async function run(name: string, counter: Counter | undefined): Promise<void> {
  const prepared = await comparisons[name]?.();
  if (!prepared) return;
  try {
    const rows = await compare(prepared.comparison, { counter, progress });
    progress('');
    process.stdout.write(format(prepared.comparison, rows));
  } finally {
    await prepared.close();
  }
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}

function format({ title, target }: Comparison, rows: Row[]): string {
  const goal = target.kind === 'cost' ? `cost ≤ ${target.ratio} ×` : `rate ≥ ${target.ratio} ×`;
  const trips = target.redisTrips === undefined ? '' : `, Redis round trips < ${target.redisTrips} a request`;
  const head = ['', 'instructions', 'user time', 'rate', 'Redis', target.kind, ''];
  const lines = rows.map((row, index) => {
    const ratio = target.kind === 'cost' ? row.costRatio : 1 / row.costRatio;
    return [
      row.name,
      row.instructions === undefined ? '-' : `${Math.round(row.instructions / 1000)}k`,
      `${row.userMicroseconds.toFixed(0)} µs`,
      `${row.requestsPerSecond.toFixed(0)}/s`,
      row.redisTrips === undefined ? '-' : row.redisTrips.toFixed(3),
      index === 0 ? 'baseline' : `${ratio.toFixed(2)} ×`,
      row.meetsTarget === undefined ? '' : row.meetsTarget ? 'met' : 'MISSED',
    ];
  });
  const table = [head, ...lines].map(
    ([name = '', ...cells]) => name.padEnd(38) + cells.map((cell) => cell.padStart(13)).join(''),
  );
  return `\n${title} (${goal} baseline${trips})\n${table.join('\n')}\n`;
}

await main(process.argv.slice(2));
