/** Which workspace may know which, and through which door. */
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import type { Import, Source } from './source.ts';
import type { Violation } from './violation.ts';

const anything = '*';

/** Arrows point from the key to what it may import. Nothing may import conformance. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  guard: ['protocol'],
  pages: ['protocol'],
  storage: ['protocol', 'guard'],
  registry: ['protocol', 'storage'],
  service: ['protocol', 'pages'],
  cli: ['protocol', 'storage', 'registry', 'service'],
  auth: ['protocol', 'guard', 'storage', 'registry', 'service', 'pages'],
  api: ['protocol', 'guard', 'storage', 'registry', 'service', 'pages'],
  console: ['protocol', 'service', 'pages'],
  worker: ['protocol', 'storage', 'service'],
  standalone: [anything],
  conformance: [anything],
};

/** The libraries a package may bring into every process that installs it; unnamed ones are free. */
const libraries: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  guard: ['jose'],
};

const internalsDoor = 'services/auth/src/provider/internals.ts';

type Rule = (source: Source, imported: Import) => string | undefined;

function violations(sources: readonly Source[], rule: Rule): Violation[] {
  return sources.flatMap((source) =>
    source.imports.flatMap((imported) => {
      const message = rule(source, imported);
      return message === undefined ? [] : [{ path: source.path, line: imported.line, message }];
    }),
  );
}

export function wrongArrows(sources: readonly Source[]): Violation[] {
  return violations(sources, ({ path }, { specifier }) => {
    const target = /^@latchkey\/([^/]+)/.exec(specifier)?.[1];
    const from = workspaceName(path);
    if (target === undefined || target === from) return undefined;
    if (target === 'conformance') return `${from} imports conformance, which nothing may`;
    const allowed = arrows[from] ?? [];
    if (allowed.includes(anything) || allowed.includes(target)) return undefined;
    return `${from} may not import ${target} (it may: ${allowed.join(', ') || 'nothing of ours'})`;
  });
}

/** A workspace is entered by its name, never by a path; only tests reach the servers in infra/test. */
export function relativeEscapes(sources: readonly Source[]): Violation[] {
  return violations(sources, ({ path }, { specifier }) => {
    if (!specifier.startsWith('.')) return undefined;
    const target = posix.join(posix.dirname(path), specifier);
    const home = workspaceFolder(path);
    if (target.startsWith(`${home}/`)) return undefined;
    if (!isShipped(path) && target.startsWith('infra/test/')) return undefined;
    return `${specifier} leaves ${home}`;
  });
}

/** Tests and contract suites bring vitest with them, and stay out of the image. */
export function testsInSource(sources: readonly Source[]): Violation[] {
  return violations(
    sources.filter(({ path }) => isShipped(path)),
    ({ path }, { specifier }) => {
      const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier;
      return /(^|\/)(contract|test)\//.test(`${target}/`) ? `${specifier} is for tests` : undefined;
    },
  );
}

export function strayInternals(sources: readonly Source[]): Violation[] {
  return violations(sources, ({ path }, { specifier }) =>
    /(^|\/)oidc-provider\/lib(\/|$)/.test(specifier) && path !== internalsDoor
      ? `${specifier} may be imported only in ${internalsDoor}`
      : undefined,
  );
}

export function unwelcomeLibraries(sources: readonly Source[]): Violation[] {
  return violations(sources.filter(isSource), ({ path }, { specifier }) => {
    const library = libraryName(specifier);
    const welcome = libraries[workspaceName(path)];
    if (library === undefined || welcome === undefined || welcome.includes(library)) return undefined;
    return `${workspaceName(path)} may not depend on ${library} (it may: ${welcome.join(', ') || 'none'})`;
  });
}

/** What npm hoists today may be gone after an install without development dependencies. */
export function undeclaredLibraries(
  sources: readonly Source[],
  declared: (workspaceFolder: string) => readonly string[],
): Violation[] {
  return violations(sources.filter(isSource), ({ path }, { specifier }) => {
    const library = specifier.startsWith('@latchkey/') ? packageName(specifier) : libraryName(specifier);
    if (library === undefined || library === `@latchkey/${workspaceName(path)}`) return undefined;
    if (isContractSuite(path) && library === 'vitest') return undefined;
    if (declared(workspaceFolder(path)).includes(library)) return undefined;
    return `${library} is not a dependency in ${workspaceFolder(path)}/package.json`;
  });
}

function libraryName(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('#') || isBuiltin(specifier)) return undefined;
  return specifier.startsWith('@latchkey/') ? undefined : packageName(specifier);
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** `services/api/src/main.ts` lives in `services/api`; what is in no workspace lives in its top folder. */
export function workspaceFolder(path: string): string {
  const [top = '', name = ''] = path.split('/');
  return top === 'packages' || top === 'services' ? `${top}/${name}` : top;
}

function workspaceName(path: string): string {
  return posix.basename(workspaceFolder(path));
}

export function isSource({ path }: { path: string }): boolean {
  return /^(packages|services)\/[^/]+\/src\//.test(path);
}

export function isContractSuite(path: string): boolean {
  return /^packages\/[^/]+\/(src\/)?contract\//.test(path);
}

function isShipped(path: string): boolean {
  return isSource({ path }) && !isContractSuite(path);
}
