/** How large a file and a function may grow, and what does not belong in either. */
import { isContractSuite, isSource } from './arrows.ts';
import type { Source } from './source.ts';
import type { Violation } from './violation.ts';

export const fileBudget = 300;
export const functionBudget = 50;

/** Files that hold one table and nothing else. A file that fits its budget has no business here. */
export const dataTables: readonly string[] = [];

export function largeFiles(sources: readonly Source[], exempt: readonly string[] = dataTables): Violation[] {
  return sources
    .filter(({ path, lines }) => lines > fileBudget && !exempt.includes(path))
    .map(({ path, lines }) => ({ path, message: `has ${lines} lines, more than ${fileBudget}` }));
}

export function needlessExemptions(
  sources: readonly Source[],
  exempt: readonly string[] = dataTables,
): Violation[] {
  const large = new Set(sources.filter(({ lines }) => lines > fileBudget).map(({ path }) => path));
  return exempt
    .filter((path) => !large.has(path))
    .map((path) => ({ path, message: 'is exempt from the file budget and does not need to be' }));
}

export function largeFunctions(sources: readonly Source[]): Violation[] {
  return sources.flatMap(({ path, functions }) =>
    functions
      .filter(({ lines, registersTests }) => lines > functionBudget && !(registersTests && holdsTests(path)))
      .map(({ name, line, lines }) => ({
        path,
        line,
        message: `${name} has ${lines} lines, more than ${functionBudget}`,
      })),
  );
}

function holdsTests(path: string): boolean {
  return path.endsWith('.test.ts') || isContractSuite(path);
}

export function consoleCalls(sources: readonly Source[]): Violation[] {
  return sources
    .filter(isSource)
    .flatMap(({ path, consoleLines }) =>
      consoleLines.map((line) => ({ path, line, message: 'writes to console: use the logger' })),
    );
}
