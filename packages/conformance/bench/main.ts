import { compare, type Row } from './compare.ts';
import { comparisons } from './comparisons.ts';
import { canCountInstructions } from './measure.ts';

const HELP = `Usage: npm run bench -- [${Object.keys(comparisons).join(' | ')}] …

Measures each subject against a baseline in the same run, in turn, and prints the medians.
Without names, all of them.
`;

async function main(names: string[]): Promise<void> {
  if (names.includes('--help') || names.includes('-h')) {
    process.stdout.write(HELP);
    return;
  }
  const unknown = names.filter((name) => !(name in comparisons));
  if (unknown.length > 0) {
    process.stderr.write(`There is no bench called ${unknown.join(', ')}.\n\n${HELP}`);
    process.exitCode = 2;
    return;
  }
  const instructions = canCountInstructions();
  process.stdout.write(
    instructions
      ? 'Work is counted in user instructions (perf stat).\n'
      : 'perf stat counts no instructions on this machine: work is user CPU time, so expect a few percent of noise.\n',
  );
  for (const name of names.length > 0 ? names : Object.keys(comparisons)) {
    const prepared = await comparisons[name]?.();
    if (!prepared) continue;
    try {
      const rows = await compare(prepared.comparison, { instructions, progress });
      progress('');
      process.stdout.write(format(prepared.comparison.title, prepared.comparison.target, rows));
    } finally {
      await prepared.close();
    }
  }
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}

function format(title: string, target: { kind: 'cost' | 'rate'; ratio: number }, rows: Row[]): string {
  const goal = target.kind === 'cost' ? `cost ≤ ${target.ratio} ×` : `rate ≥ ${target.ratio} ×`;
  const lines = rows.map((row) => {
    const ratio = target.kind === 'cost' ? row.costRatio : row.rateRatio;
    const verdict =
      row.meetsTarget === undefined
        ? 'baseline'
        : `${ratio.toFixed(2)} × ${row.meetsTarget ? 'met' : 'MISSED'}`;
    const instructions = row.instructions === undefined ? 'n/a' : `${Math.round(row.instructions / 1000)}k`;
    return [
      row.name.padEnd(44),
      `${row.userMicroseconds.toFixed(0)} µs`.padStart(9),
      instructions.padStart(9),
      `${row.requestsPerSecond.toFixed(0)}/s`.padStart(9),
      `  ${verdict}`,
    ].join('');
  });
  const head = `${''.padEnd(44)}${'user time'.padStart(9)}${'instr.'.padStart(9)}${'rate'.padStart(9)}`;
  return `\n${title} (${goal} baseline)\n${head}\n${lines.join('\n')}\n`;
}

await main(process.argv.slice(2));
