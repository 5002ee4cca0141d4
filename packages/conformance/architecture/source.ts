/** What the rules want to know of a source file, read from its syntax tree. */
import { type ESTree, parseSync, Visitor } from 'vite';

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

export interface FunctionSpan {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
  /** Its own statements call `describe` or `it`: a list of tests, not logic. */
  readonly registersTests: boolean;
}

export interface Source {
  /** Relative to the repository, with slashes. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly functions: readonly FunctionSpan[];
  readonly consoleLines: readonly number[];
}

type FunctionNode = ESTree.Function | ESTree.ArrowFunctionExpression;

export function readSource(path: string, text: string): Source {
  const { program, module, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors.map((error) => error.message).join('; ')}`);
  const lineOf = lineFinder(text);
  const at = (start: number, specifier: string): Import => ({ specifier, line: lineOf(start) });
  const imports = [
    ...module.staticImports.map(({ start, moduleRequest }) => at(start, moduleRequest.value)),
    ...module.staticExports.flatMap(({ start, entries }) =>
      entries.flatMap(({ moduleRequest }) => (moduleRequest ? [at(start, moduleRequest.value)] : [])),
    ),
  ];
  return {
    path,
    lines: text.replace(/\n$/, '').split('\n').length,
    ...visit(program, lineOf, imports),
  };
}

function visit(program: ESTree.Program, lineOf: (offset: number) => number, imports: Import[]) {
  const functions: FunctionSpan[] = [];
  const consoleLines: number[] = [];
  const open: { registersTests: boolean }[] = [];
  const enter = () => void open.push({ registersTests: false });
  const leave = (node: FunctionNode) => {
    const line = lineOf(node.start);
    const name = (node.type !== 'ArrowFunctionExpression' && node.id?.name) || 'a function';
    const registersTests = open.pop()?.registersTests ?? false;
    functions.push({ name, line, lines: lineOf(node.end) - line + 1, registersTests });
  };
  const named = ({ source }: { source: ESTree.Expression }, start: number) => {
    if (source.type === 'Literal' && typeof source.value === 'string') {
      imports.push({ specifier: source.value, line: lineOf(start) });
    }
  };
  new Visitor({
    FunctionDeclaration: enter,
    FunctionExpression: enter,
    ArrowFunctionExpression: enter,
    'FunctionDeclaration:exit': leave,
    'FunctionExpression:exit': leave,
    'ArrowFunctionExpression:exit': leave,
    ImportExpression: (node) => named(node, node.start),
    TSImportType: (node) => named(node, node.start),
    CallExpression: ({ callee, arguments: [source], start }) => {
      if (source?.type === 'Literal' && isResolver(callee)) named({ source }, start);
      const inner = open.at(-1);
      if (inner && ['describe', 'it', 'test', 'suite'].includes(rootName(callee)))
        inner.registersTests = true;
    },
    MemberExpression: ({ object, start }) => {
      if (object.type === 'Identifier' && object.name === 'console') consoleLines.push(lineOf(start));
    },
  }).visit(program);
  return { imports, functions, consoleLines };
}

/** `require(…)`, `require.resolve(…)` and `import.meta.resolve(…)` reach a module as an import does. */
function isResolver(callee: ESTree.Expression | ESTree.Super): boolean {
  if (callee.type !== 'MemberExpression') return callee.type === 'Identifier' && callee.name === 'require';
  const { object, property } = callee;
  const ofRequire = object.type === 'Identifier' && object.name === 'require';
  const named = property.type === 'Identifier' && property.name === 'resolve';
  return named && (ofRequire || object.type === 'MetaProperty');
}

/** `describe.each(table)('title', …)` is a call of `describe`, too. */
function rootName(callee: ESTree.Expression | ESTree.Super): string {
  if (callee.type === 'Identifier') return callee.name;
  if (callee.type === 'MemberExpression') return rootName(callee.object);
  if (callee.type === 'CallExpression') return rootName(callee.callee);
  return '';
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0, ...Array.from(text.matchAll(/\n/g), (match) => match.index + 1)];
  return (offset) => {
    const next = starts.findIndex((start) => start > offset);
    return next === -1 ? starts.length : next;
  };
}
