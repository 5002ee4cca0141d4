/** An `.env.example`: what is set, and what stands in a comment as `# NAME=value`. */
export interface EnvExample {
  readonly set: Readonly<Record<string, string>>;
  readonly documented: readonly string[];
}

export function readEnvExample(text: string): EnvExample {
  const set: Record<string, string> = {};
  const documented: string[] = [];
  for (const line of text.split('\n')) {
    const [, comment, name, value] = /^(# ?)?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    documented.push(name);
    if (comment === undefined) set[name] = value;
  }
  return { set, documented };
}
