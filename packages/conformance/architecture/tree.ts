/** What may lie where. */
import type { Violation } from './violation.ts';

const forbiddenFolders = ['utils', 'common', 'helpers', 'types', 'middleware'];

const requiredAtTop = [
  'package.json',
  'tsconfig.json',
  'services',
  'packages',
  'infra',
  'docker-compose.yml',
  'README.md',
];

/** The lock file, the licence, tool configuration. */
const allowedAtTop = ['package-lock.json', 'LICENSE', 'biome.json', 'vitest.config.ts'];

/** `paths` are those of files, relative to the repository. */
export function forbiddenFolderNames(paths: readonly string[]): Violation[] {
  const folders = new Set(paths.flatMap(foldersAbove));
  return [...folders]
    .filter((folder) => forbiddenFolders.includes(folder.split('/').at(-1) ?? ''))
    .map((path) => ({ path, message: 'is named after no protocol thing: name it after what it holds' }));
}

function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

export function topLevelFaults(paths: readonly string[]): Violation[] {
  const names = new Set(paths.map((path) => path.split('/')[0] ?? ''));
  const strangers = [...names].filter(
    (name) => !name.startsWith('.') && !requiredAtTop.includes(name) && !allowedAtTop.includes(name),
  );
  return [
    ...strangers.map((path) => ({ path, message: 'does not belong at the top level' })),
    ...requiredAtTop
      .filter((name) => !names.has(name))
      .map((path) => ({ path, message: 'is missing at the top level' })),
  ];
}

export function workspacesWithoutReadme(paths: readonly string[]): Violation[] {
  const present = new Set(paths);
  return paths
    .filter((path) => /^(packages|services)\/[^/]+\/package\.json$/.test(path))
    .map((path) => path.replace(/package\.json$/, 'README.md'))
    .filter((readme) => !present.has(readme))
    .map((path) => ({ path, message: 'is missing' }));
}
