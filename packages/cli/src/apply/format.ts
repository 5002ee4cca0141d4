import type { GeneratedSecret, Step } from './step.ts';

const KIND_WIDTH = 'resource_server'.length;

/** A line for each change, and how many records are as declared already. */
export function formatPlan(steps: Step[]): string {
  const changes = steps.filter(({ action }) => action !== 'unchanged');
  const same = steps.length - changes.length;
  const lines = changes.map(({ action, kind, name, changes: what }) =>
    `${action}  ${kind.padEnd(KIND_WIDTH)}  ${name}${what.length > 0 ? `  (${what.join(', ')})` : ''}`.trimEnd(),
  );
  if (changes.length === 0) return `Nothing to do: ${same} as declared.`;
  return [...lines, ...(same > 0 ? [`${same} as declared already`] : [])].join('\n');
}

export function formatSecrets(secrets: GeneratedSecret[]): string {
  return [
    'Secrets made, shown this once and stored nowhere:',
    ...secrets.map(({ client_id, client_secret }) => `  ${client_id}  ${client_secret}`),
  ].join('\n');
}
