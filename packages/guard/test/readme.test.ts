import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import {
  createIntrospection,
  type GuardOptions,
  REFUSALS,
  type RefusalReason,
  type RoutePolicy,
} from '../src/index.ts';
import { startIntrospection } from './introspection-server.ts';
import {
  AUDIENCE,
  createKey,
  createKeyServer,
  createTestGuard,
  encode,
  identify,
  NOW,
  sign,
} from './issuer.ts';
import { type KoaServer, PROXY, sendTwice, serveKoa } from './koa-server.ts';
import { createLimiter, createLookup, createOrganizations, mint, only } from './ports.ts';

const key = await createKey('k1');
const stranger = await createKey('k9');
const introspection = await startIntrospection();
const apiKeys = createLookup();
const organizations = createOrganizations();
organizations.set('org_disabled', { disabled: true });
const away = { ...createLookup(), find: () => Promise.reject(new Error('connection refused')) };
const asking = createIntrospection({
  endpoint: introspection.endpoint,
  clientId: 'rs',
  clientSecret: 'secret',
});
const unanswered = createIntrospection({
  endpoint: 'http://127.0.0.1:1/',
  clientId: 'rs',
  clientSecret: 'secret',
});

const servers: KoaServer[] = [];
afterAll(async () => {
  for (const server of servers) server.close();
  await introspection.close();
});

async function serve(options: Partial<GuardOptions>, policy: RoutePolicy = {}): Promise<KoaServer> {
  const trustedProxies = [PROXY];
  const revocations = { isRevoked: ({ jti }: { jti: string }) => jti === 'revoked' };
  const guard = createTestGuard(createKeyServer(key), { trustedProxies, revocations, ...options });
  const server = await serveKoa(guard, { scope: 'orders:read', ...policy });
  servers.push(server);
  return server;
}

const main = await serve({ apiKeys, organizations, limiter: createLimiter() });
const local = await serve({});
const remote = await serve({ introspection: asking });
const lost = await serve({ introspection: unanswered });
const storeless = await serve({ apiKeys: away });
const keyless = await serve({ fetch: async () => Response.error() });
const tokensOnly = await serve({ apiKeys }, { credentials: ['token'] });

const bearer = async (...args: [Record<string, unknown>?, Record<string, unknown>?]) =>
  `Bearer ${await sign(key, ...args)}`;
const form = (body: string) => ({ method: 'POST', body: new URLSearchParams(body) });
const issue = (changes: Parameters<typeof apiKeys.issue>[0] = {}) => apiKeys.issue(changes).authorization;

/** The request that each row of the README describes. */
const requests: Record<RefusalReason, () => Promise<Response>> = {
  https_required: async () => main.send(await bearer(), '/', { headers: { 'x-forwarded-proto': 'http' } }),
  token_in_url: async () => main.send(await bearer(), '/?access_token=x'),
  api_key_in_url: () => main.send(undefined, `/?key=${mint().key}`),
  credentials_missing: () => main.send('Basic dTpw'),
  credentials_repeated: async () => sendTwice(main.url(), await bearer()),
  credentials_malformed: () => main.send('Bearer not,a,token'),
  credentials_too_large: () => main.send(`Bearer ${'a'.repeat(9000)}`),
  token_in_body: () => main.send(undefined, '/', form('a=b&access_token=x')),
  api_keys_not_accepted: () => local.send(issue()),
  credentials_kind_refused: () => tokensOnly.send(issue()),
  token_malformed: () => main.send('Bearer opaque'),
  type_wrong: async () => main.send(await bearer({}, { typ: 'JWT' })),
  algorithm_refused: () => main.send(`Bearer ${encode({ alg: 'none', typ: 'at+jwt' })}.${encode({})}.AA`),
  issuer_wrong: async () => main.send(await bearer({ iss: 'https://evil.test' })),
  audience_wrong: async () => main.send(await bearer({ aud: 'https://other.test' })),
  key_unknown: async () => main.send(`Bearer ${await sign(stranger)}`),
  signature_wrong: async () => main.send(`Bearer ${await sign({ ...stranger, kid: 'k1' })}`),
  token_expired: async () => main.send(await bearer({ exp: NOW - 1 })),
  token_not_yet_valid: async () => main.send(await bearer({ nbf: NOW + 60 })),
  claims_wrong: async () => main.send(await bearer({ jti: 7 })),
  proof_required: async () => main.send(await bearer({ cnf: { jkt: 'x' } })),
  token_revoked: async () => main.send(await bearer({ jti: 'revoked' })),
  token_inactive: () => remote.send('Bearer opaque'),
  api_key_malformed: () => main.send(`Bearer ${mint().key.slice(0, -1)}`),
  api_key_unknown: () => main.send(mint().authorization),
  api_key_revoked: () => main.send(issue({ revoked: true })),
  api_key_expired: () => main.send(issue({ expiresAt: (NOW - 1) * 1000 })),
  api_key_inactive: () => remote.send(mint().authorization),
  organization_unknown: async () => main.send(await bearer({ org_id: 'org_gone' })),
  organization_disabled: () => main.send(issue({ organizationId: 'org_disabled' })),
  address_not_allowed: () => main.send(issue({ allowlist: only('198.51.100.1') })),
  async limit_exceeded() {
    const authorization = issue({ requestsPerMinute: 1 });
    expect((await main.send(authorization)).status).toBe(200);
    return main.send(authorization);
  },
  scope_insufficient: async () => main.send(await bearer({ scope: 'orders:write' })),
  keys_unavailable: async () => keyless.send(await bearer()),
  introspection_unavailable: () => lost.send(mint().authorization),
  credential_unavailable: () => storeless.send(mint().authorization),
};

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** `| what was sent | `reason` | status | `code` | words |` */
const table = readme
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1')))
  .filter((cells) => cells.length === 7 && /^\d+$/.test(cells[3] ?? ''))
  .map((cells) => cells.slice(1, 6) as [string, RefusalReason, string, string, string]);

test('the table of the README has every reason, once, in the order of the list', () => {
  expect(table.map(([, reason]) => reason)).toEqual(Object.keys(REFUSALS));
});

test('the table of the principal has every member of one', async () => {
  const guard = createTestGuard(createKeyServer(key), { apiKeys });
  const section = readme.split('## The principal')[1]?.split('\n## ')[0] ?? '';
  const cells = [...section.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) => cell.split(', '));
  const found = await Promise.all([bearer(), issue()].map(async (sent) => identify(guard, await sent)));
  const members = new Set(found.flatMap((principal) => Object.keys(principal)));
  expect(cells.sort()).toEqual([...members].map((name) => `\`${name}\``).sort());
});

const metadata = `resource_metadata="${AUDIENCE}/.well-known/oauth-protected-resource"`;

/** RFC 6750 §3.1: what the challenge says, by the status of the answer. */
function challengeOf(reason: RefusalReason, status: string, code: string, words: string): string | null {
  if (Number(status) > 403) return null;
  if (['unauthorized', 'forbidden', 'https_required'].includes(code)) return `Bearer ${metadata}`;
  const scope = reason === 'scope_insufficient' ? 'scope="orders:read", ' : '';
  return `Bearer error="${code}", error_description="${words}", ${scope}${metadata}`;
}

describe('the README says what a caller sees', () => {
  test.each(table)('%s: %s is a %s %s, "%s"', async (_, reason, status, code, words) => {
    const response = await requests[reason]();
    expect(response.status).toBe(Number(status));
    expect(await response.json()).toEqual({ error: code, error_description: words });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('www-authenticate')).toBe(challengeOf(reason, status, code, words));
    const retryAfter = Number(response.headers.get('retry-after') ?? 0);
    expect(retryAfter > 0).toBe(status === '503' || status === '429');
    const hsts = response.headers.get('strict-transport-security');
    expect(hsts).toBe(reason === 'https_required' ? null : 'max-age=31536000');
  });
});
