export interface DocumentedVariable {
  readonly name: string;
  readonly value: string;
}

/** Every `NAME=value` of an `.env.example`, whether in a comment or not. */
export function readEnvExample(text: string): DocumentedVariable[] {
  return Array.from(text.matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$/gm), ([, name = '', value = '']) => ({
    name,
    value,
  }));
}
