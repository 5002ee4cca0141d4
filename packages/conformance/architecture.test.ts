import { describe, expect, it } from 'vitest';
import {
  relativeEscapes,
  strayInternals,
  testsInSource,
  undeclaredLibraries,
  unwelcomeLibraries,
  wrongArrows,
} from './architecture/arrows.ts';
import {
  consoleCalls,
  fileBudget,
  functionBudget,
  largeFiles,
  largeFunctions,
  needlessExemptions,
} from './architecture/budgets.ts';
import { declaredDependencies, listFiles, readSources } from './architecture/repository.ts';
import { readSource, type Source } from './architecture/source.ts';
import { forbiddenFolderNames, topLevelFaults, workspacesWithoutReadme } from './architecture/tree.ts';
import { formatViolation, type Violation } from './architecture/violation.ts';

const lines = (violations: readonly Violation[]) => violations.map(formatViolation);

describe('the repository', () => {
  const paths = listFiles();
  const sources = readSources(paths);

  it.each<[string, () => Violation[]]>([
    ['keeps the one-way arrows between workspaces', () => wrongArrows(sources)],
    ['enters another workspace by its name only', () => relativeEscapes(sources)],
    ['ships no test', () => testsInSource(sources)],
    ['knows the internals of oidc-provider in one file', () => strayInternals(sources)],
    ['brings jose alone with guard, and nothing with protocol', () => unwelcomeLibraries(sources)],
    ['declares every library it ships with', () => undeclaredLibraries(sources, declaredDependencies)],
    [`has no file over ${fileBudget} lines but data tables`, () => largeFiles(sources)],
    ['exempts no file without need', () => needlessExemptions(sources)],
    [`has no function over ${functionBudget} lines`, () => largeFunctions(sources)],
    ['writes through the logger, never through console', () => consoleCalls(sources)],
    ['names folders after protocol things', () => forbiddenFolderNames(paths)],
    ['has exactly the agreed top level', () => topLevelFaults(paths)],
    ['has a README in each package and service', () => workspacesWithoutReadme(paths)],
  ])('%s', (_, rule) => {
    expect(lines(rule())).toEqual([]);
  });

  it('was read whole: every workspace has sources under the rules', () => {
    for (const workspace of ['packages/protocol', 'packages/storage', 'services/auth', 'services/api']) {
      expect(sources.some(({ path }) => path.startsWith(`${workspace}/src/`))).toBe(true);
    }
  });
});

const oneImport = (path: string, specifier: string) => [readSource(path, `import '${specifier}';`)];

describe('the arrows', () => {
  it.each([
    ['packages/protocol/src/a.ts', '@latchkey/storage'],
    ['packages/guard/src/a.ts', '@latchkey/storage'],
    ['packages/guard/src/a.ts', '@latchkey/service'],
    ['packages/storage/src/a.ts', '@latchkey/service'],
    ['packages/storage/test/a.test.ts', '@latchkey/auth'],
    ['packages/service/src/a.ts', '@latchkey/storage'],
    ['packages/pages/src/a.ts', '@latchkey/service'],
    ['packages/cli/src/a.ts', '@latchkey/api'],
    ['services/api/src/a.ts', '@latchkey/auth'],
    ['services/console/src/a.ts', '@latchkey/storage'],
    ['services/standalone/src/a.ts', '@latchkey/conformance'],
    ['services/auth/src/a.ts', '@latchkey/storage-of-tomorrow'],
    ['infra/test/a.ts', '@latchkey/protocol'],
  ])('forbid %s to import %s', (path, specifier) => {
    expect(lines(wrongArrows(oneImport(path, specifier)))).toEqual([expect.stringContaining(`${path}:1 `)]);
  });

  it.each([
    ['packages/guard/src/a.ts', '@latchkey/protocol'],
    ['packages/storage/test/a.test.ts', '@latchkey/storage'],
    ['services/api/src/a.ts', '@latchkey/guard'],
    ['services/standalone/src/a.ts', '@latchkey/auth'],
    ['packages/conformance/rfc/a.test.ts', '@latchkey/api'],
  ])('allow %s to import %s', (path, specifier) => {
    expect(wrongArrows(oneImport(path, specifier))).toEqual([]);
  });

  it.each([
    ["import type { A } from '@latchkey/auth';", 1],
    ["\nexport { a } from '@latchkey/auth';", 2],
    ["\n\nexport * from '@latchkey/auth';", 3],
    ["const a = 'é';\nconst b = await import('@latchkey/auth');", 2],
    ["type A =\n  import('@latchkey/auth').A;", 2],
    ["\nimport.meta.resolve('@latchkey/auth');", 2],
    ["\nconst a = require('@latchkey/auth');", 2],
  ])('see the import in %j', (text, line) => {
    const found = wrongArrows([readSource('packages/guard/src/a.ts', text)]);
    expect(found).toEqual([expect.objectContaining({ line })]);
  });
});

describe('the doors', () => {
  it.each([
    ['services/api/src/a.ts', '../../auth/src/env.ts'],
    ['services/api/src/a.ts', '../../../packages/storage/src/index.ts'],
    ['packages/guard/src/a.ts', '../../guard-extra/src/a.ts'],
    ['packages/guard/src/a.ts', '../../../infra/test/servers.ts'],
    ['infra/test/a.ts', '../../packages/storage/src/index.ts'],
  ])('forbid %s to reach %s', (path, specifier) => {
    expect(lines(relativeEscapes(oneImport(path, specifier)))).toEqual([expect.stringContaining(specifier)]);
  });

  it.each([
    ['packages/storage/test/a.test.ts', '../../../infra/test/servers.ts'],
    ['services/api/test/a.test.ts', '../src/app.ts'],
  ])('allow %s to reach %s', (path, specifier) => {
    expect(relativeEscapes(oneImport(path, specifier))).toEqual([]);
  });

  it.each([
    ['packages/storage/src/index.ts', './contract/index.ts', 1],
    ['services/api/src/app.ts', '../test/fixtures.ts', 1],
    ['services/api/src/app.ts', '@latchkey/storage/contract', 1],
    ['services/api/src/app.ts', './contracts.ts', 0],
    ['packages/storage/src/contract/index.ts', './clients.ts', 0],
    ['packages/storage/test/pglite.test.ts', '../src/contract/index.ts', 0],
  ])('of %s to the test %s: %i fault', (path, specifier, count) => {
    expect(testsInSource(oneImport(path, specifier))).toHaveLength(count);
  });

  it.each([
    ['services/auth/src/provider/adapter.ts', 'oidc-provider/lib/helpers/grants.js'],
    ['services/auth/src/app.ts', '../../../node_modules/oidc-provider/lib/provider.js'],
  ])('forbid %s the internals %s', (path, specifier) => {
    expect(strayInternals(oneImport(path, specifier))).toHaveLength(1);
  });

  it('open the internals of oidc-provider to internals.ts', () => {
    const path = 'services/auth/src/provider/internals.ts';
    expect(strayInternals(oneImport(path, 'oidc-provider/lib/helpers/grants.js'))).toEqual([]);
  });

  it.each([
    ['packages/guard/src/a.ts', 'ioredis', 1],
    ['packages/guard/src/koa.ts', 'koa', 1],
    ['packages/protocol/src/a.ts', 'zod', 1],
    ['packages/guard/src/a.ts', 'jose', 0],
    ['packages/guard/src/a.ts', 'node:crypto', 0],
    ['packages/guard/test/a.test.ts', 'koa', 0],
  ])('of %s to %s: %i fault', (path, specifier, count) => {
    expect(unwelcomeLibraries(oneImport(path, specifier))).toHaveLength(count);
  });

  it.each([
    ['services/api/src/a.ts', 'pg', 1],
    ['services/api/src/a.ts', '@latchkey/guard', 1],
    ['services/api/src/a.ts', 'koa/lib/context.js', 0],
    ['services/api/src/a.ts', '@koa/router', 0],
    ['services/api/src/a.ts', 'node:fs', 0],
    ['services/api/test/a.test.ts', 'pg', 0],
    ['packages/storage/src/contract/a.ts', 'vitest', 0],
  ])('of %s that declares koa and @koa/router, to %s: %i fault', (path, specifier, count) => {
    expect(undeclaredLibraries(oneImport(path, specifier), () => ['koa', '@koa/router'])).toHaveLength(count);
  });
});

const fileOf = (path: string, count: number) => readSource(path, 'f();\n'.repeat(count));

function functionOf(count: number, wrap: (body: string) => string, path = 'packages/a/src/a.ts'): Source[] {
  return [readSource(path, wrap(`{\n${'  f();\n'.repeat(count - 2)}}`))];
}

describe('the budgets', () => {
  it('allow a file its last line and not one more', () => {
    const path = 'packages/a/src/a.ts';
    expect(largeFiles([fileOf(path, fileBudget)])).toEqual([]);
    expect(lines(largeFiles([fileOf(path, fileBudget + 1)]))).toEqual([
      `${path} has 301 lines, more than 300`,
    ]);
    expect(largeFiles([fileOf(path, fileBudget + 1)], [path])).toEqual([]);
  });

  it('find an exemption that is not needed', () => {
    const path = 'packages/a/src/table.ts';
    expect(needlessExemptions([fileOf(path, 10)], [path])).toHaveLength(1);
    expect(needlessExemptions([], [path])).toHaveLength(1);
    expect(needlessExemptions([fileOf(path, 301)], [path])).toEqual([]);
  });

  it.each<[string, (body: string) => string]>([
    ['declaration', (body) => `function a() ${body}`],
    ['arrow', (body) => `const a = () => ${body};`],
    ['method', (body) => `class A { a() ${body} }`],
    ['property', (body) => `export const a = { b() ${body} };`],
    ['callback', (body) => `queueMicrotask(() => ${body});`],
  ])('allow a %s its last line and not one more', (_, wrap) => {
    expect(largeFunctions(functionOf(functionBudget, wrap))).toEqual([]);
    const [found, ...others] = lines(largeFunctions(functionOf(functionBudget + 1, wrap)));
    expect(found).toMatch(/^packages\/a\/src\/a\.ts:1 .* has 51 lines, more than 50$/);
    expect(others).toEqual([]);
  });

  it.each([
    ['a describe in a test', 'packages/a/test/a.test.ts', 'it("b", () => {});', 0],
    ['a contract suite', 'packages/a/src/contract/a.ts', 'describe.each([1])("b", () => {});', 0],
    ['a single test', 'packages/a/test/a.test.ts', 'expect(1);', 1],
    ['a suite in the source', 'packages/a/src/a.ts', 'it("b", () => {});', 1],
    ['a function around one that registers tests', 'packages/a/test/a.test.ts', '() => { it("b"); };', 1],
  ])('measure %s', (_, path, statement, count) => {
    const wrap = (body: string) => `function a() ${body.replace('{\n', `{ ${statement}\n`)}`;
    expect(largeFunctions(functionOf(functionBudget + 1, wrap, path))).toHaveLength(count);
  });

  it('find console in the source, not in comments, strings or tests', () => {
    const text = "// console.log\nconst a = 'console.log';\nconsole.log(a);";
    expect(lines(consoleCalls([readSource('packages/a/src/a.ts', text)]))).toEqual([
      'packages/a/src/a.ts:3 writes to console: use the logger',
    ]);
    expect(consoleCalls([readSource('packages/a/test/a.test.ts', text)])).toEqual([]);
  });
});

describe('the tree', () => {
  const top = ['package.json', 'tsconfig.json', 'docker-compose.yml', 'README.md', '.ci/run', 'LICENSE'];
  const whole = [...top, 'services/a/package.json', 'packages/b/package.json', 'infra/Dockerfile'];

  it.each(['utils', 'common', 'helpers', 'types', 'middleware'])('has no folder named %s', (name) => {
    expect(forbiddenFolderNames([`packages/a/src/${name}/deep/a.ts`])).toEqual([
      expect.objectContaining({ path: `packages/a/src/${name}` }),
    ]);
    expect(forbiddenFolderNames([`packages/a/src/${name}.ts`])).toEqual([]);
  });

  it('takes nothing more and nothing less at the top', () => {
    expect(topLevelFaults(whole)).toEqual([]);
    expect(lines(topLevelFaults([...whole, 'scripts/a.sh']))).toEqual([
      'scripts does not belong at the top level',
    ]);
    expect(lines(topLevelFaults(whole.slice(1)))).toEqual(['package.json is missing at the top level']);
  });

  it('misses a README', () => {
    expect(lines(workspacesWithoutReadme([...whole, 'packages/b/README.md']))).toEqual([
      'services/a/README.md is missing',
    ]);
  });
});
