import type { Comparison, Row } from './compare.ts';

export function formatComparison({ title, target }: Comparison, rows: Row[]): string {
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
