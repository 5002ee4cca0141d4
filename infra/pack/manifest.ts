/** The package.json of a packed package, made from its own in the repository. */
import { readFileSync } from 'node:fs';

/** As it stands in the repository, where `exports` name TypeScript. */
export interface Workspace {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly type: 'module';
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/**
 * zlib.crc32 (22.2) and URL.parse (22.1) are the newest that the sources use; with 22.12 `require` takes ES modules,
 * so that services written in CommonJS need no other build.
 */
const NODE = '>=22.12';

export function readWorkspace(folder: string): Workspace {
  return JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as Workspace;
}

/** What `inside` needs is needed; itself it is no dependency, and no registry is asked for a package of its name. */
export function manifestOf(workspace: Workspace, inside: Workspace): string {
  const { name, version, license, type } = workspace;
  const needed = Object.entries({ ...workspace.dependencies, ...inside.dependencies });
  const manifest = {
    ...{ name, version, license, type },
    exports: Object.fromEntries(
      Object.entries(workspace.exports).map(([door, source]) => [door, built(source)]),
    ),
    engines: { node: NODE },
    dependencies: Object.fromEntries(needed.filter(([library]) => library !== inside.name)),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** `default`, not `import`: the same file serves `import` and `require`. */
function built(source: string): { types: string; default: string } {
  const path = /^\.\/src\/(.+)\.ts$/.exec(source)?.[1];
  if (path === undefined) throw new Error(`${source} is no TypeScript file in src`);
  return { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` };
}
