import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InvalidInputError } from '@latchkey/registry';
import { type Declaration, readDeclaration } from './declaration.ts';

/** @throws {InvalidInputError} naming the file and every fault */
export async function readDeclarationFile(file: string): Promise<Declaration> {
  const text = await readText(file);
  try {
    return readDeclaration(text);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    throw new InvalidInputError(error.faults, `${file} has ${error.faults.length} fault(s):`);
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    // npm runs its scripts where package.json is, wherever it was called.
    throw new InvalidInputError([{ field: '', message: `${resolve(file)} cannot be read: ${cause}` }]);
  }
}
