import { describe, expect, test } from 'vitest';
import { type ConnectionInfo, createFetchGuard, GuardError, type GuardOptions } from '../src/index.ts';
import { createKey, createKeyServer, createTestGuard, sign } from './issuer.ts';
import { mint } from './ports.ts';

const key = await createKey('k1');
const HSTS = 'strict-transport-security';

/** Answers a good request to `url` by `handler`, behind a guard that demands https unless told otherwise. */
async function answer(
  handler: () => Response | Promise<Response>,
  given: { url?: string; info?: ConnectionInfo; allowlist?: string[]; options?: Partial<GuardOptions> } = {},
): Promise<Response> {
  const { url = 'https://api.example.test/orders', info, allowlist, options } = given;
  const { protect } = createFetchGuard(createTestGuard(createKeyServer(key), options));
  const request = new Request(url, { headers: { authorization: `Bearer ${await sign(key)}` } });
  return protect(allowlist ? { allowlist } : {}, handler)(request, info);
}

describe('the headers of the guard', () => {
  test('are put on answers whose headers are immutable', async () => {
    const response = await answer(() => Response.redirect('https://elsewhere.test/', 303));
    expect([response.status, response.headers.get('location')]).toEqual([303, 'https://elsewhere.test/']);
    expect(response.headers.get(HSTS)).toMatch(/^max-age=\d+/);
  });

  test('are not left on a Response that the handler keeps and gives to everybody', async () => {
    const shared = new Response(null, { status: 204, statusText: 'Nothing' });
    const response = await answer(() => shared);
    expect([response.status, response.statusText, response.body]).toEqual([204, 'Nothing', null]);
    expect([response.headers.has(HSTS), shared.headers.has(HSTS)]).toEqual([true, false]);
  });

  test('leave cookies and the body as they were', async () => {
    const headers: [string, string][] = [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['content-type', 'text/csv'],
    ];
    const response = await answer(() => new Response('a,b', { headers }));
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.get('content-type')).toBe('text/csv');
    expect(await response.text()).toBe('a,b');
  });

  test('are left out of a network error, which no Response can be made of', async () => {
    const error = Response.error();
    expect(await answer(() => error)).toBe(error);
  });
});

test('a refusal that the handler throws is its own: another service’s, perhaps', async () => {
  const theirs = new GuardError('token_expired');
  await expect(answer(() => Promise.reject(theirs))).rejects.toBe(theirs);
});

describe('the connection', () => {
  const good = () => new Response('good');

  test.each<[string, ConnectionInfo | undefined, number]>([
    ['https://api.example.test/', undefined, 200],
    ['http://api.example.test/', undefined, 403],
    ['http://api.example.test/', { encrypted: true }, 200],
    ['https://api.example.test/', { encrypted: false }, 403],
  ])('%s with %j is %i', async (url, info, status) => {
    expect((await answer(good, { url, ...(info ? { info } : {}) })).status).toBe(status);
  });

  test.each<[ConnectionInfo | undefined, number]>([
    [{ remoteAddress: '192.0.2.7' }, 200],
    [{ remoteAddress: '198.51.100.7' }, 403],
    [{}, 403],
    [undefined, 403],
  ])('from %j is %i where an allowlist stands', async (info, status) => {
    const response = await answer(good, { allowlist: ['192.0.2.0/24'], ...(info ? { info } : {}) });
    expect(response.status).toBe(status);
  });

  test('is what a trusted proxy says it is', async () => {
    const { protect } = createFetchGuard(
      createTestGuard(createKeyServer(key), { trustedProxies: ['10.0.0.0/8'] }),
    );
    const headers = {
      authorization: `Bearer ${await sign(key)}`,
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '192.0.2.7',
    };
    const serve = protect({ allowlist: ['192.0.2.7'] }, good);
    const from = async (remoteAddress: string) =>
      (await serve(new Request('http://api.example.test/', { headers }), { remoteAddress })).status;
    expect([await from('10.1.2.3'), await from('198.51.100.7')]).toEqual([200, 403]);
  });
});

describe('an API key is found in all of the URL', () => {
  const exposed = mint().key;

  test.each([`/#${exposed}`, `/?a=b#k=${exposed}`, `/orders/${exposed}`, `.${exposed}.test/`])(
    '%s',
    async (rest) => {
      const response = await answer(() => new Response('good'), { url: `https://api.example.test${rest}` });
      expect(response.status).toBe(400);
    },
  );
});

test('a form that somebody has read already is refused as any request without credentials', async () => {
  const { protect } = createFetchGuard(createTestGuard(createKeyServer(key)));
  const request = new Request('https://api.example.test/', {
    method: 'POST',
    body: new URLSearchParams({ access_token: 'x' }),
  });
  await request.text();
  const response = await protect({}, () => new Response('good'))(request);
  expect([response.status, await response.json()]).toMatchObject([401, { error: 'unauthorized' }]);
});
