import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createPages } from '../src/index.ts';

describe('assets', () => {
  const { assets } = createPages({ assetsPath: '/static/', productName: 'Latchkey' });

  it('are a style sheet, a script and an icon, each under the hash of its content', () => {
    const rows = [...assets].map(([path, { type, body }]) => [
      path.replace(createHash('sha256').update(body).digest('base64url').slice(0, 12), '#'),
      type,
    ]);
    expect(rows).toEqual([
      ['/static/app.#.css', 'text/css; charset=utf-8'],
      ['/static/app.#.js', 'text/javascript; charset=utf-8'],
      ['/static/icon.#.svg', 'image/svg+xml'],
    ]);
  });

  it('keep their addresses from one start to the next', () => {
    const again = createPages({ assetsPath: '/static', productName: 'Other' });
    expect([...again.assets.keys()]).toEqual([...assets.keys()]);
  });

  it('call on no other host', () => {
    for (const { body } of assets.values()) {
      const text = body.toString().replaceAll(/\/\*[\s\S]*?\*\//g, '');
      expect(text).not.toContain('@import');
      expect([...text.matchAll(/url\((?!["']?data:)/g)]).toEqual([]);
      expect(text.replaceAll(/http:\/\/www\.w3\.org\/\S+/g, '')).not.toMatch(/https?:\/\//);
    }
  });
});
