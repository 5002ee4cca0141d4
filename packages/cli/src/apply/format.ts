import type { Generated, Step } from './step.ts';

const KIND_WIDTH = 'resource_server'.length;

/** A line for each change, and how many records are as declared already. */
export function formatPlan(steps: Step[]): string {
  const changes = steps.filter(({ action }) => action !== 'unchanged');
  const lines = changes.map(({ action, kind, name, changes: what }) =>
    `${action}  ${kind.padEnd(KIND_WIDTH)}  ${name}${what.length > 0 ? `  (${what.join(', ')})` : ''}`.trimEnd(),
  );
  const notes = steps.flatMap(({ kind, name, note }) =>
    note === undefined ? [] : [`note    ${kind.padEnd(KIND_WIDTH)}  ${name}  (${note})`],
  );
  const same = steps.length - changes.length - notes.length;
  if (changes.length === 0) return [...notes, `Nothing to do: ${same} as declared.`].join('\n');
  return [...lines, ...notes, ...(same > 0 ? [`${same} as declared already`] : [])].join('\n');
}

const SECRETS_HEADING = 'Secrets and keys made, shown this once and stored nowhere:';

export function formatSecrets(generated: Generated[]): string {
  return [SECRETS_HEADING, ...generated.map(formatSecret)].join('\n');
}

/** Says the same line by line, each secret when it is made: whatever ends the run then takes none with it. */
export function sayAsMade(say: (text: string) => void): (generated: Generated) => void {
  let first = true;
  return (one) => {
    if (first) say(SECRETS_HEADING);
    first = false;
    say(formatSecret(one));
  };
}

function formatSecret(one: Generated): string {
  return 'key' in one
    ? `  ${one.name} (${one.organization}, ${one.environment})  ${one.key}`
    : `  ${one.client_id}  ${one.client_secret}`;
}
