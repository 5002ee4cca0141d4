import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findExposure } from '../src/exposure.ts';
import { createIntrospection, type GuardedRequest, REFUSALS } from '../src/index.ts';
import { createKey, createKeyServer, createTestGuard, outcome, outcomeOf, sign } from './issuer.ts';
import { createLimiter, createLookup, createOrganizations, mint, only } from './ports.ts';

const signer = await createKey('k1');
const apiKeys = createLookup();
const confined = apiKeys.issue({ allowlist: only('198.51.100.0/24') });
const good = [apiKeys.issue().authorization, confined.authorization, `Bearer ${await sign(signer)}`];
const guard = createTestGuard(createKeyServer(signer), {
  apiKeys,
  organizations: createOrganizations(),
  limiter: createLimiter(),
  trustedProxies: ['10.0.0.0/8', 'fd00::/8'],
});
const OUTCOMES = new Set(['accepted', ...Object.keys(REFUSALS)]);

const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.webPath(), fc.webQueryParameters());
const header = fc.oneof(
  fc.constant(undefined),
  anyText,
  anyText.map((text) => `Bearer ${text}`),
  fc.stringMatching(/^sk_(live|test)_[0-9A-Za-z]{0,25}_[0-9A-Za-z]{0,60}$/).map((text) => `Bearer ${text}`),
  fc.constantFrom(...good),
  fc.array(anyText, { maxLength: 3 }),
);
const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom('10.0.0.1', '::ffff:10.0.0.1', 'fe80::1%eth0'),
  anyText,
);
const chain = fc.oneof(
  anyText,
  fc.array(address).map((parts) => parts.join(', ')),
);
const request: fc.Arbitrary<GuardedRequest> = fc.record({
  authorization: header,
  path: anyText,
  query: anyText,
  remoteAddress: fc.option(address, { nil: undefined }),
  encrypted: fc.boolean(),
  forwardedFor: fc.option(chain, { nil: undefined }),
  forwardedProto: fc.option(fc.oneof(anyText, fc.constantFrom('https', 'http', 'https, http')), {
    nil: undefined,
  }),
});

describe('whatever a request holds', () => {
  test('the guard admits it or says one of its reasons, and nothing else', async () => {
    const policy = { scope: 'orders:read', allowlist: ['0.0.0.0/0', '::/0'] };
    await fc.assert(
      fc.asyncProperty(request, async (parts) => {
        expect(OUTCOMES).toContain(await outcomeOf(guard, parts, policy));
      }),
      { numRuns: 2_000 },
    );
  });

  test('inspect refuses what it refuses by a reason, too', () => {
    fc.assert(
      fc.property(request, (parts) => {
        try {
          guard.inspect(parts);
        } catch (error) {
          expect(error).toMatchObject({ name: 'GuardError' });
        }
      }),
    );
  });

  test('what introspection answers admits it or refuses it, and nothing else', async () => {
    const members = fc.dictionary(
      fc.constantFrom(
        'sub',
        'scope',
        'aud',
        'iss',
        'exp',
        'env',
        'ip_allowlist',
        'rate_limit',
        'token_type',
        'org_id',
      ),
      fc.jsonValue(),
    );
    const known = mint();
    await fc.assert(
      fc.asyncProperty(
        members,
        fc.constantFrom(known.authorization, 'Bearer opaque'),
        async (changes, credential) => {
          const basis = { active: true, token_type: 'Bearer', sub: 'user_1', client_id: 'c' };
          const answer =
            credential === 'Bearer opaque' ? basis : { ...basis, token_type: 'api_key', sub: known.id };
          const introspection = createIntrospection({
            ...{ endpoint: 'https://auth.example.test/', clientId: 'a', clientSecret: 'b' },
            fetch: async () => Response.json({ ...answer, ...changes }),
          });
          const asking = createTestGuard(createKeyServer(signer), { introspection });
          expect(OUTCOMES).toContain(await outcome(asking, credential));
        },
      ),
      { numRuns: 500 },
    );
  });
});

test('nobody gets past an allowlist by what he writes into X-Forwarded-For', async () => {
  const spoofed = fc.array(fc.oneof(fc.constant('198.51.100.7'), address), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(spoofed, fc.nat(2), async (written, proxies) => {
      // The proxies append: the first the client's address, each further one its predecessor's.
      const chained = [...written, '203.0.113.66', ...Array(proxies).fill('10.0.0.2')].join(', ');
      const parts = { authorization: confined.authorization, forwardedProto: 'https' };
      const viaProxy = { ...parts, remoteAddress: '10.0.0.1', forwardedFor: chained };
      const directly = { ...parts, remoteAddress: '203.0.113.66', forwardedFor: written.join(',') };
      expect(await outcomeOf(guard, viaProxy)).toBe('address_not_allowed');
      expect(await outcomeOf(guard, directly)).toBe('address_not_allowed');
    }),
    { numRuns: 500 },
  );
});

test('a key is found in a URL wherever it stands, however much of it is percent-encoded', () => {
  const encoded = fc.infiniteStream(fc.boolean());
  const around = fc.stringMatching(/^[a-z0-9&=/%.+-]{0,20}$/);
  fc.assert(
    fc.property(around, around, encoded, (before, after, choices) => {
      const { key } = mint();
      const text = [...key]
        .map((c) => (choices.next().value ? `%${c.charCodeAt(0).toString(16)}` : c))
        .join('');
      const placed = `${before}/${text}/${after}`;
      const found = { reason: 'api_key_in_url', exposed: { text: key } };
      expect(findExposure('/', placed)).toMatchObject({ where: 'query', ...found });
      expect(findExposure(placed, '')).toMatchObject({ where: 'path', ...found });
    }),
  );
});
