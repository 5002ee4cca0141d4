import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';

const BUILT_IN = fileURLToPath(new URL('./templates', import.meta.url));
const EXTENSION = '.eta';

/**
 * Compiles every template at start, so that a syntax error in an override stops the process and not a
 * sign-in. Templates include each other by `@name`; the first directory that has a name wins.
 */
export function createTemplates(overrideDirs: readonly string[]): Eta {
  const eta = new Eta({ autoEscape: true, autoFilter: true, filterFunction: (value) => String(value ?? '') });
  for (const dir of [BUILT_IN, ...overrideDirs.toReversed()])
    for (const name of templateNames(dir)) load(eta, dir, name);
  return eta;
}

function templateNames(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => file.slice(0, -EXTENSION.length).replaceAll('\\', '/'));
}

function load(eta: Eta, dir: string, name: string): void {
  const file = join(dir, name + EXTENSION);
  try {
    eta.loadTemplate(`@${name}`, readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Error(`The template ${file} does not compile.`, { cause });
  }
}
