/** Prints which test holds which section of which document: `npx node packages/conformance/rfc-matrix.ts`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = import.meta.dirname;
const FOLDERS = ['rfc', 'security'];
export const MATRIX_PATH = join(ROOT, 'RFC-MATRIX.md');

export interface Requirement {
  /** `RFC 6749`, `OpenID Connect Core`. */
  document: string;
  /** `4.1.2`, without the sign. */
  section: string;
  title: string;
  /** From this folder. */
  file: string;
}

/** A suite names its document first, a test its section; both are plain strings in the source. */
const NAMED =
  /(?:describe\(\s*'(?<document>RFC \d+|OpenID Connect (?:Core|RP-Initiated Logout))[^'\n]*')|(?:'§(?<section>[\d.]*\d) (?<title>[^'\n]+)')/g;

export function readRequirements(source: string, file: string): Requirement[] {
  let document = '';
  return [...source.matchAll(NAMED)].flatMap(({ groups = {} }) => {
    if (groups.document) document = groups.document;
    const { section, title } = groups;
    return section && title && document ? [{ document, section, title, file }] : [];
  });
}

export function collectRequirements(): Requirement[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.test.ts'))
      .flatMap((name) => {
        const path = join(ROOT, folder, name);
        return readRequirements(readFileSync(path, 'utf8'), relative(ROOT, path));
      }),
  );
}

export function formatMatrix(requirements: readonly Requirement[]): string {
  const documents = [...new Set(requirements.map(({ document }) => document))].toSorted(compare);
  const chapters = documents.map((document) => {
    const rows = requirements
      .filter((requirement) => requirement.document === document)
      .toSorted((a, b) => compare(a.section, b.section) || compare(a.file, b.file))
      .map(({ section, title, file }) => `| §${section} | ${escapeCell(title)} | [${file}](${file}) |`);
    return [`## ${document}`, '', '| section | requirement | test |', '| --- | --- | --- |', ...rows, ''];
  });
  return [
    '# Requirements and their tests',
    '',
    'Made from the titles of the tests by `npx node packages/conformance/rfc-matrix.ts`; a test holds it current. `%s` and',
    'the like stand for the rows of a table of cases.',
    '',
    ...chapters.flat(),
  ].join('\n');
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

if (import.meta.main) {
  const requirements = collectRequirements();
  writeFileSync(MATRIX_PATH, formatMatrix(requirements));
  process.stdout.write(`${requirements.length} requirements in ${relative(process.cwd(), MATRIX_PATH)}\n`);
}
