import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAuthorization } from '../src/node-request.ts';
import { createKey, createKeyServer, createTestGuard, outcome, sign } from './issuer.ts';

const key = await createKey('k1');
const token = await sign(key);
const guard = createTestGuard(createKeyServer(key));

describe('RFC 6750 §2.1: the Authorization header is the one way to send a token', () => {
  test.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('scheme %s is accepted', async (scheme) => {
    expect(await outcome(guard, `${scheme} ${token}`)).toBe('accepted');
    expect(await outcome(guard, `${scheme}   ${token}`)).toBe('accepted');
    expect(await outcome(guard, [`${scheme} ${token}`])).toBe('accepted');
  });

  test.each<[string, string, string | readonly string[] | undefined]>([
    ['credentials_missing', 'none', undefined],
    ['credentials_missing', 'an empty value', ''],
    ['credentials_missing', 'an empty list', []],
    ['credentials_missing', 'another scheme', `Basic ${token}`],
    ['credentials_missing', 'a scheme that only starts well', `Bearers ${token}`],
    ['credentials_missing', 'a token without scheme', token],
    ['credentials_malformed', 'the scheme alone', 'Bearer'],
    ['credentials_malformed', 'the scheme and a space', 'Bearer '],
    ['credentials_malformed', 'two tokens', `Bearer ${token} ${token}`],
    ['credentials_malformed', 'a token and a comma', `Bearer ${token},`],
    ['credentials_malformed', 'a quoted token', `Bearer "${token}"`],
    ['credentials_malformed', 'a space after the token', `Bearer ${token} `],
    ['credentials_missing', 'a tab for the space', `Bearer\t${token}`],
    ['credentials_malformed', 'characters beyond ASCII', `Bearer ${token}é`],
    ['credentials_too_large', '8 KiB and more', `Bearer ${'a'.repeat(8186)}`],
    ['credentials_repeated', 'the same twice', [`Bearer ${token}`, `Bearer ${token}`]],
    ['credentials_repeated', 'two schemes', [`Basic x`, `Bearer ${token}`]],
  ])('%s: %s', async (reason, _, authorization) => {
    expect(await outcome(guard, authorization)).toBe(reason);
  });
});

describe('RFC 6750 §2.3: a token in the URL is refused, with a good one in the header too', () => {
  test.each(['access_token=x', 'a=b&access_token=x', 'access_token', 'access_token=x&access_token=y'])(
    '?%s',
    async (query) => {
      expect(await outcome(guard, undefined, query)).toBe('token_in_url');
      expect(await outcome(guard, `Bearer ${token}`, query)).toBe('token_in_url');
    },
  );

  test.each(['', 'my_access_token=x', 'q=access_token', 'access_token_hint=x'])(
    '?%s is no token',
    async (query) => {
      expect(await outcome(guard, `Bearer ${token}`, query)).toBe('accepted');
    },
  );
});

test('every Authorization field of a Node request is seen, though Node keeps the first alone', () => {
  const read = (...rawHeaders: string[]) => {
    const index = rawHeaders.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === 'authorization');
    return readAuthorization({ headers: { authorization: rawHeaders[index + 1] }, rawHeaders });
  };
  expect(readAuthorization({ headers: {}, rawHeaders: ['Host', 'authorization'] })).toBeUndefined();
  expect(read('Host', 'x', 'authorization', 'Bearer a')).toBe('Bearer a');
  expect(read('X-Note', 'authorization', 'Authorization', 'a')).toBe('a');
  expect(read('Authorization', 'a', 'Host', 'x', 'AUTHORIZATION', 'b')).toEqual(['a', 'b']);
});

describe('whatever a request holds, the guard answers with its own error', () => {
  const reason = /^(accepted|[a-z_]+)$/;
  const segment = fc.oneof(
    fc.string().map((text) => Buffer.from(text).toString('base64url')),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
    fc.string(),
  );

  test('for any Authorization values and any query', async () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((text) => `Bearer ${text}`),
    );
    const authorization = fc.oneof(fc.constant(undefined), value, fc.array(value));
    await fc.assert(
      fc.asyncProperty(authorization, fc.string({ unit: 'binary' }), async (given, query) => {
        expect(await outcome(guard, given, query)).toMatch(reason);
      }),
      { numRuns: 500 },
    );
  });

  test('for any three parts where a token should be', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(segment, { minLength: 1, maxLength: 5 }), async (parts) => {
        expect(await outcome(guard, `Bearer ${parts.join('.')}`)).toMatch(/^(token|credentials|type)_/);
      }),
      { numRuns: 500 },
    );
  });

  test('for any header and claims under a good signature', async () => {
    const claims = fc.dictionary(
      fc.constantFrom(
        'iss',
        'aud',
        'sub',
        'exp',
        'iat',
        'nbf',
        'jti',
        'client_id',
        'scope',
        'cnf',
        'env',
        '__proto__',
      ),
      fc.jsonValue(),
    );
    await fc.assert(
      fc.asyncProperty(claims, async (changed) => {
        const signed = await sign(key, changed).catch(() => undefined);
        fc.pre(signed !== undefined);
        expect(await outcome(guard, `Bearer ${signed}`)).toMatch(reason);
      }),
      { numRuns: 300 },
    );
  });
});
