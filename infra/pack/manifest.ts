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

/** `bundled` travel inside the tarball and are never asked for at a registry, where their names may be another's. */
export function manifestOf(workspace: Workspace, bundled: readonly Workspace[] = []): string {
  const { name, version, license, type, dependencies = {} } = workspace;
  for (const inside of bundled) {
    if (dependencies[inside.name] !== inside.version)
      throw new Error(`${name} does not depend on ${inside.name} ${inside.version}, which lies beside it`);
  }
  const doors = Object.entries(workspace.exports).map(([door, source]) => [door, built(source)]);
  const manifest = {
    ...{ name, version, license, type },
    exports: Object.fromEntries(doors),
    engines: { node: NODE },
    dependencies,
    bundleDependencies: bundled.map((inside) => inside.name),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** `default`, not `import`: the same file serves `import` and `require`. */
function built(source: string): { types: string; default: string } {
  const path = /^\.\/src\/(.+)\.ts$/.exec(source)?.[1];
  if (path === undefined) throw new Error(`${source} is no TypeScript file in src`);
  return { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` };
}
