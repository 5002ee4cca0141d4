import { randomBase62 } from '@latchkey/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RequestLimits } from '../src/index.ts';
import { startAuth, type TestAuth } from './support/auth-server.ts';
import { basic, postForm, type TokenAnswer } from './support/http.ts';
import { REDIRECT_URI, type Records, type RegisteredClient, seed } from './support/records.ts';
import { openStores, type TestStores } from './support/stores.ts';

const LIMITS: RequestLimits = {
  token: 5,
  tokenPerAddress: 12,
  introspection: 6,
  introspectionPerAddress: 15,
  signInPerAddress: 4,
};
let stores: TestStores;
let auth: TestAuth;
let records: Records;
let client: RegisteredClient;
let other: RegisteredClient;

beforeAll(async () => {
  stores = await openStores();
  const more = { limits: LIMITS, trustedProxies: ['127.0.0.1'] };
  auth = await startAuth({ ...stores, instances: 2, more });
  records = await seed(stores.durable, auth.config.pepper);
  [client, other] = [await records.addClient(), await records.addClient()];
});
afterAll(async () => {
  await auth?.close();
  await stores?.close();
});

let hosts = 0;
/** Where nobody was before. */
const newAddress = () => `198.51.100.${++hosts}`;
const from = (address: string) => ({ 'x-forwarded-for': address });
const GRANT = { grant_type: 'client_credentials', scope: 'work-orders:read' };
const askToken = (address: string, as = client, form: Record<string, string> = GRANT) =>
  postForm(`${auth.issuer}/oauth/token`, form, { ...basic(as), ...from(address) });
const introspect = (address: string, as = client, token = 'a.b.c') =>
  postForm(`${auth.issuer}/oauth/introspect`, { token }, { ...basic(as), ...from(address) });
const openSignIn = (address: string) => {
  const query = new URLSearchParams({
    client_id: client.id,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
  });
  const headers = { accept: 'text/html', ...from(address) };
  return fetch(`${auth.issuer}/oauth/authorize?${query}`, { headers, redirect: 'manual' });
};

/** A window must not end between the requests that are counted in it. */
async function withinOneWindow<T>(count: () => Promise<T>): Promise<T> {
  const minute = () => Math.floor(Date.now() / 60_000);
  for (;;) {
    const before = minute();
    const counted = await count();
    if (minute() === before) return counted;
  }
}
const sequence = async (times: number, ask: (index: number) => Promise<{ status: number }>) => {
  const statuses: number[] = [];
  for (let index = 0; index < times; index++) statuses.push((await ask(index)).status);
  return statuses;
};
const times = (count: number, status: number) => Array.from({ length: count }, () => status);

describe('one client from one address', () => {
  test('gets as many tokens a minute as the limit says, over all processes', async () => {
    const statuses = await withinOneWindow(() => {
      const address = newAddress();
      return sequence(8, () => askToken(address));
    });
    expect(statuses).toEqual([...times(5, 200), ...times(3, 429)]);
  });

  test('is counted alike by whatever way it names itself', async () => {
    const forms: [Record<string, string>, Record<string, string>][] = [
      [GRANT, basic(client)],
      [{ ...GRANT, client_id: client.id, client_secret: client.secret }, {}],
      [{ ...GRANT, client_assertion: unsigned({ sub: client.id }) }, {}],
    ];
    const { limited, json } = await withinOneWindow(async () => {
      const address = from(newAddress());
      const url = `${auth.issuer}/oauth/token`;
      for (let index = 0; index < LIMITS.token; index++) {
        const [form, headers] = forms[index % forms.length] ?? [GRANT, {}];
        expect((await postForm(url, form, { ...headers, ...address })).status).not.toBe(429);
      }
      const [, [inForm] = [GRANT]] = forms;
      const headers = { 'content-type': 'application/json', ...address };
      const json = await fetch(url, { method: 'POST', headers, body: JSON.stringify(inForm) });
      return { limited: await postForm(url, GRANT, { ...basic(client), ...address }), json };
    });
    expect([json.status, limited.status]).toEqual([429, 429]);
  });

  test('is counted too when its id is one that it brought along', async () => {
    const statuses = await withinOneWindow(() => {
      const address = newAddress();
      return sequence(7, () => askToken(address, { id: 'acme-portal', secret: 'x' }));
    });
    expect(statuses).toEqual([...times(5, 401), ...times(2, 429)]);
  });

  test('leaves the others behind the same address their share', async () => {
    const statuses = await withinOneWindow(async () => {
      const address = newAddress();
      await sequence(7, () => askToken(address));
      return sequence(3, () => askToken(address, other));
    });
    expect(statuses).toEqual(times(3, 200));
  });

  test('is not used up by a stranger who claims to be it from elsewhere', async () => {
    const [own, strangers] = await withinOneWindow(async () => {
      const [address, elsewhere] = [newAddress(), newAddress()];
      const guesses = await sequence(10, () => askToken(elsewhere, { ...client, secret: 'guessed' }));
      return [await sequence(5, () => askToken(address)), guesses];
    });
    expect(strangers).toEqual([...times(5, 401), ...times(5, 429)]);
    expect(own).toEqual(times(5, 200));
  });

  test('may introspect as often as that limit says, by the short way and by the library’s', async () => {
    const statuses = await withinOneWindow(async () => {
      const address = newAddress();
      return sequence(8, (index) => introspect(address, client, index % 2 === 0 ? 'a.b.c' : 'opaque'));
    });
    expect(statuses).toEqual([...times(6, 200), ...times(2, 429)]);
  });
});

describe('one address', () => {
  test('gets no further by claiming to be many clients', async () => {
    const statuses = await withinOneWindow(async () => {
      const address = newAddress();
      return sequence(15, () => askToken(address, { id: `client_${randomBase62(20)}`, secret: 'x' }));
    });
    expect(statuses).toEqual([...times(12, 401), ...times(3, 429)]);
  });

  test('is the /64 of an IPv6 connection', async () => {
    const statuses = await withinOneWindow(async () => {
      const network = `2001:db8:${(++hosts).toString(16)}:1`;
      return sequence(14, (index) =>
        askToken(`${network}::${index}`, { id: `client_${index}`, secret: 'x' }),
      );
    });
    expect(statuses.slice(-2)).toEqual([429, 429]);
  });

  test('cannot begin sign-ins without end, and is told so on a page', async () => {
    const { statuses, page } = await withinOneWindow(async () => {
      const address = newAddress();
      return { statuses: await sequence(4, () => openSignIn(address)), page: await openSignIn(address) };
    });
    expect(statuses).toEqual(times(4, 303));
    expect(page.status).toBe(429);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(page.headers.has('set-cookie')).toBe(false);
    expect(page.headers.has('location')).toBe(false);
    const html = await page.text();
    expect(html).toContain('Too many requests');
    expect(html).toContain(page.headers.get('x-request-id'));
  });

  test('that is a stranger’s word counts for nothing', async () => {
    const { statuses } = await withinOneWindow(async () => {
      const direct = await startAuth({
        ...stores,
        more: { limits: LIMITS, encryptionKey: auth.config.encryptionKey, trustedProxies: ['192.0.2.1'] },
      });
      try {
        const ask = () => fetch(`${direct.issuer}/oauth/authorize`, { headers: from(newAddress()) });
        return { statuses: await sequence(6, ask) };
      } finally {
        await direct.close();
      }
    });
    expect(statuses.slice(-2)).toEqual([429, 429]);
  });
});

const FIELDS = [
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'ratelimit',
  'ratelimit-policy',
];

describe('the answer', () => {
  test('says where the caller stands, whatever else it says', async () => {
    const answers = await withinOneWindow(async () => {
      const address = newAddress();
      return [
        await askToken(address),
        await askToken(address, { ...client, secret: 'wrong' }),
        await askToken(address, client, { grant_type: 'nonsense' }),
        await introspect(address),
        await introspect(address, client, 'opaque'),
        await postForm(`${auth.issuer}/oauth/revoke`, { token: 'x' }, { ...basic(client), ...from(address) }),
        await openSignIn(address),
      ];
    });
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 400, 200, 200, 200, 303]);
    for (const { headers } of answers) for (const name of FIELDS) expect(headers.has(name), name).toBe(true);
    const [first, , third] = answers as TokenAnswer[];
    expect(first?.headers.get('x-ratelimit-limit')).toBe('5');
    expect(first?.headers.get('x-ratelimit-remaining')).toBe('4');
    expect(third?.headers.get('x-ratelimit-remaining')).toBe('2');
    expect(first?.headers.get('ratelimit-policy')).toBe('"client";q=5;w=60, "address";q=12;w=60');
  });

  test.each([-30_000, 30_000])(
    'tells the time left by the clock of the store, when ours is off by %i ms',
    async (ms) => {
      const now = () => new Date(Date.now() + ms);
      const more = { limits: LIMITS, encryptionKey: auth.config.encryptionKey };
      const apart = await startAuth({ ...stores, now, more });
      try {
        const answers = await withinOneWindow(async () => {
          const ask = () => postForm(`${apart.issuer}/oauth/token`, {}, basic({ id: 'apart', secret: 'x' }));
          for (let index = 0; index < LIMITS.token; index++) await ask();
          return { at: Date.now(), limited: await ask() };
        });
        const { status, headers } = answers.limited;
        const left = (60_000 - (answers.at % 60_000)) / 1000;
        expect(status).toBe(429);
        expect(Math.abs(Number(headers.get('retry-after')) - left)).toBeLessThan(3);
        expect(headers.get('ratelimit')).toContain(`t=${headers.get('retry-after')}`);
      } finally {
        await apart.close();
      }
    },
  );

  test('of a refusal is in the form of OAuth errors, and tells the truth about when to come back', async () => {
    const { status, headers, body } = await withinOneWindow(async () => {
      const address = newAddress();
      await sequence(5, () => askToken(address));
      return askToken(address);
    });
    expect(status).toBe(429);
    expect(body).toEqual({
      error: 'too_many_requests',
      error_description: expect.any(String),
      request_id: headers.get('x-request-id'),
    });
    const reset = Number(headers.get('x-ratelimit-reset'));
    expect(reset % 60).toBe(0);
    expect(reset).toBeGreaterThan(Date.now() / 1000 - 1);
    expect(headers.get('x-ratelimit-remaining')).toBe('0');
    const retryAt = Date.now() / 1000 + Number(headers.get('retry-after'));
    expect(Math.abs(retryAt - reset)).toBeLessThan(2);
  });

  test('of a refusal can be read by an application in a browser, and so can when to come back', async () => {
    const { status, headers } = await withinOneWindow(async () => {
      const address = newAddress();
      await sequence(5, () => askToken(address));
      const page = { origin: 'https://app.example.com', ...from(address) };
      return postForm(`${auth.issuer}/oauth/token`, { ...GRANT, client_id: client.id }, page);
    });
    expect(status).toBe(429);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-expose-headers')).toContain('Retry-After');
  });

  test('of endpoints that have no limit carries no such field', async () => {
    const response = await fetch(`${auth.issuer}/.well-known/openid-configuration`);
    for (const name of FIELDS) expect(response.headers.has(name)).toBe(false);
  });
});

function unsigned(payload: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'ES256' })}.${part(payload)}.AAAA`;
}
