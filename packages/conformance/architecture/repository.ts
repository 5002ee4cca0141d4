/** The repository's own files, as they lie on the disk. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSource, type Source } from './source.ts';

export const repositoryRoot = fileURLToPath(new URL('../../../', import.meta.url));

const unversioned = /^(node_modules|\.git|\.latchkey|packed|screenshots|.*\.log)$/;

export function listFiles(folder = ''): string[] {
  return readdirSync(join(repositoryRoot, folder), { withFileTypes: true })
    .filter(({ name }) => !unversioned.test(name))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? listFiles(path) : [path];
    });
}

export function readText(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8');
}

export function readSources(paths: readonly string[]): Source[] {
  return paths.filter((path) => path.endsWith('.ts')).map((path) => readSource(path, readText(path)));
}

export function declaredDependencies(workspaceFolder: string): string[] {
  const { dependencies = {} } = JSON.parse(readText(`${workspaceFolder}/package.json`)) as {
    dependencies?: Record<string, string>;
  };
  return Object.keys(dependencies);
}
