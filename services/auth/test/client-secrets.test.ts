import { validateClientMetadata } from '@latchkey/protocol';
import { type Client, digestSecret } from '@latchkey/storage';
import { describe, expect, test } from 'vitest';
import { createFindBySecret, type PresentedCredentials } from '../src/provider/client-secrets.ts';

const PEPPER = Buffer.alloc(32, 7);
const SECRET = 'p+ss %word:é';
const now = () => new Date('2030-01-01T00:00:00Z');

function clientWith(
  input: Record<string, unknown>,
  secrets: { secret: string; expiresAt: Date | null }[],
): Client {
  const result = validateClientMetadata({ client_name: 'c', application_type: 'machine', ...input });
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  return {
    id: 'client_a',
    organizationId: null,
    environment: 'live',
    metadata: result.metadata,
    createdAt: now(),
    updatedAt: now(),
    disabledAt: null,
    secrets: secrets.map(({ secret, expiresAt }, index) => ({
      id: `secret_${index}`,
      clientId: 'client_a',
      digest: digestSecret(PEPPER, secret),
      createdAt: now(),
      expiresAt,
    })),
  };
}

const live = clientWith({}, [
  { secret: 'an-older-secret-that-ended', expiresAt: new Date('2029-12-31T00:00:00Z') },
  { secret: SECRET, expiresAt: null },
]);

async function proves(presented: Partial<PresentedCredentials>, client: Client = live): Promise<boolean> {
  const directory = { findClient: async (id: string) => (id === client.id ? client : undefined) } as never;
  const find = createFindBySecret(directory, { pepper: PEPPER, now });
  return (await find({ authorization: undefined, form: {}, ...presented })) !== undefined;
}

const formEncode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');
const basic = (id: string, secret: string) =>
  `Basic ${Buffer.from(`${formEncode(id)}:${formEncode(secret)}`).toString('base64')}`;

describe('a client proves itself by its secret', () => {
  test.each<[string, Partial<PresentedCredentials>]>([
    ['by HTTP Basic, form-encoded (RFC 6749 §2.3.1)', { authorization: basic('client_a', SECRET) }],
    [
      'by HTTP Basic with the scheme in any case',
      { authorization: basic('client_a', SECRET).replace('Basic', 'bAsIc') },
    ],
    [
      'by HTTP Basic beside its own id',
      { authorization: basic('client_a', SECRET), form: { client_id: 'client_a' } },
    ],
    ['in the body', { form: { client_id: 'client_a', client_secret: SECRET } }],
  ])('%s', async (_, presented) => {
    expect(await proves(presented)).toBe(true);
  });

  test.each<[string, Partial<PresentedCredentials>]>([
    ['nothing', {}],
    ['a wrong secret', { authorization: basic('client_a', `${SECRET}x`) }],
    ['a secret that has ended', { authorization: basic('client_a', 'an-older-secret-that-ended') }],
    ['an empty secret', { authorization: basic('client_a', '') }],
    ['an unknown client', { authorization: basic('client_b', SECRET) }],
    ['two ways at once', { authorization: basic('client_a', SECRET), form: { client_secret: SECRET } }],
    ['another id in the body', { authorization: basic('client_a', SECRET), form: { client_id: 'client_b' } }],
    [
      'an assertion besides',
      { authorization: basic('client_a', SECRET), form: { client_assertion: 'a.b.c' } },
    ],
    ['a repeated secret', { form: { client_id: 'client_a', client_secret: [SECRET, SECRET] } }],
    ['another scheme', { authorization: `Bearer ${SECRET}` }],
    ['no colon', { authorization: `Basic ${Buffer.from('client_a').toString('base64')}` }],
    ['a broken escape', { authorization: `Basic ${Buffer.from('client_a:%E0%A4%A').toString('base64')}` }],
    ['what is not base64', { authorization: 'Basic ***' }],
  ])('and not by %s', async (_, presented) => {
    expect(await proves(presented)).toBe(false);
  });

  test.each([
    { application_type: 'spa', redirect_uris: ['https://app.example/cb'] },
    { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://app.example/jwks' },
  ])('and not when it is registered to do so otherwise (%j)', async (input) => {
    const client = clientWith(input, [{ secret: SECRET, expiresAt: null }]);
    expect(await proves({ authorization: basic('client_a', SECRET) }, client)).toBe(false);
  });
});
