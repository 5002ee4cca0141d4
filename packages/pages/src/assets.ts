import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Asset {
  body: Buffer;
  type: string;
  /** Strong entity tag, quoted. */
  etag: string;
}

export interface Assets {
  /** By URL path. Each path holds the content's hash, so an answer may be cached for ever. */
  byPath: Map<string, Asset>;
  urls: { styles: string; script: string; icon: string };
}

/** What a service sends with an asset. */
export const ASSET_CACHE_CONTROL = 'public, max-age=31536000, immutable';

const STYLES = ['tokens', 'layout', 'controls', 'pages', 'consent', 'reference'];

const own = (file: string) => readFileSync(new URL(`./assets/${file}`, import.meta.url), 'utf8');

/** Pico in a layer: anything outside it wins, whatever the selectors' weight. */
function styleSheet(brandDirs: readonly string[]): string {
  const pico = readFileSync(
    fileURLToPath(import.meta.resolve('@picocss/pico/css/pico.classless.min.css')),
    'utf8',
  ).replace('@charset "UTF-8";', '');
  const brands = brandDirs
    .map((dir) => join(dir, 'brand.css'))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'));
  return [
    '@charset "UTF-8";',
    `@layer pico{${pico}}`,
    ...STYLES.map((name) => own(`${name}.css`)),
    ...brands,
  ].join('\n');
}

/** Overrides are appended weakest first, so that the first directory wins. */
export function createAssets(assetsPath: string, overrideDirs: readonly string[]): Assets {
  const byPath = new Map<string, Asset>();
  const add = (name: string, extension: string, type: string, text: string) => {
    const body = Buffer.from(text);
    const hash = createHash('sha256').update(body).digest('base64url').slice(0, 12);
    const path = `${assetsPath.replace(/\/$/, '')}/${name}.${hash}.${extension}`;
    byPath.set(path, { body, type, etag: `"${hash}"` });
    return path;
  };
  const urls = {
    styles: add('app', 'css', 'text/css; charset=utf-8', styleSheet(overrideDirs.toReversed())),
    script: add('app', 'js', 'text/javascript; charset=utf-8', own('app.js')),
    icon: add('icon', 'svg', 'image/svg+xml', own('icon.svg')),
  };
  return { byPath, urls };
}
