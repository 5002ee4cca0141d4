import {
  type ApplicationInput,
  addApplicationSecret,
  addClientSecret,
  applicationChanges,
  applicationInput,
  createApplication,
  createClient,
  deleteApplication,
  disableOrganization,
  enableOrganization,
  expireApplicationSecret,
  getApplication,
  NotFoundError,
  parseClientMetadata,
  parseInput,
  revokeApplicationSecret,
  StateError,
  updateApplication,
  updateClient,
} from '@latchkey/registry';
import { type Client, digestSecret } from '@latchkey/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRegistry, faultsOf, inSeconds, type Registry, refusalOf } from './registry.ts';

let registry: Registry;
beforeAll(async () => {
  registry = await createRegistry();
});
afterAll(() => registry?.close());
beforeEach(async () => {
  registry.takeAnnounced();
  await registry.takeAudited();
});

const OWNER = { organizationId: 'org_a', environments: ['live', 'test'] } as const;
const WEB = {
  client_name: 'Portal',
  application_type: 'web',
  redirect_uris: ['https://portal.example/callback'],
} satisfies ApplicationInput;
const MACHINE = { client_name: 'Import', application_type: 'machine' } satisfies ApplicationInput;
const PEOPLE = ['authorization_code', 'refresh_token'];
const PUBLIC_JWK = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  alg: 'ES256',
};

const create = (input: unknown, environment: 'live' | 'test' = 'live') => {
  const place = { organizationId: 'org_a', environment };
  return createApplication(registry.operator, registry.pepper, place, parseInput(applicationInput, input));
};
const update = (id: string, changes: unknown) =>
  updateApplication(registry.operator, OWNER, id, parseInput(applicationChanges, changes));

/** Reading the input is a part of the attempt. */
const faultsIn = (attempt: () => Promise<unknown>) => faultsOf((async () => attempt())());

describe('a new application', () => {
  it.each<[type: string, input: ApplicationInput, grants: string[], secret: boolean]>([
    ['a web application', WEB, PEOPLE, true],
    ['a single-page application', { ...WEB, application_type: 'spa' }, PEOPLE, false],
    [
      'a native application',
      { ...WEB, application_type: 'native', redirect_uris: ['com.example.app:/cb'] },
      PEOPLE,
      false,
    ],
    ['a machine', MACHINE, ['client_credentials'], true],
  ])(
    'is %s with the grant types of its kind, and a secret where it can keep one',
    async (_, input, grants, has) => {
      const { client, secret } = await create(input);
      expect(client).toMatchObject({ organizationId: 'org_a', environment: 'live' });
      expect(client.metadata).toMatchObject({ ...input, grant_types: grants, require_pkce: true });
      expect(client.secrets.map(({ digest }) => digest)).toEqual(
        secret ? [digestSecret(registry.pepper, secret.secret)] : [],
      );
      expect(secret !== null).toBe(has);
    },
  );

  it('may prove itself by a key of its own, which stands in the record', async () => {
    const input = { ...MACHINE, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [PUBLIC_JWK] } };
    const { client, secret } = await create(input);
    expect([client.metadata.jwks, secret]).toEqual([{ keys: [PUBLIC_JWK] }, null]);
  });

  it.each<[what: string, input: object, fields: string[]]>([
    ['PKCE switched off', { ...WEB, require_pkce: false }, ['require_pkce']],
    ['refresh without its secret', { ...WEB, refresh_without_secret: true }, ['refresh_without_secret']],
    ['grant types of its choice', { ...WEB, grant_types: ['client_credentials'] }, ['grant_types']],
    ['keys that we would fetch', { ...MACHINE, jwks_uri: 'https://a.example/keys' }, ['jwks_uri']],
    ['a secret of its choice', { ...MACHINE, client_secret: 'x'.repeat(40) }, ['client_secret']],
    ['introspection', { client_name: 'X', application_type: 'resource_server' }, ['application_type']],
    ['an owner of its choice', { ...WEB, organization: 'org_b' }, ['organization']],
    ['a private key', { ...MACHINE, jwks: { keys: [{ ...PUBLIC_JWK, d: 'x' }] } }, ['jwks.keys[0]']],
    [
      'a public machine',
      { ...MACHINE, token_endpoint_auth_method: 'none' },
      ['token_endpoint_auth_method', 'grant_types'],
    ],
    ['plain http', { ...WEB, redirect_uris: ['http://portal.example/'] }, ['redirect_uris[0]']],
    ['a fragment', { ...WEB, redirect_uris: ['https://portal.example/#x'] }, ['redirect_uris[0]']],
    ['a wildcard', { ...WEB, redirect_uris: ['https://*.example/'] }, ['redirect_uris[0]']],
    ['no place to return to', { ...WEB, redirect_uris: [] }, ['redirect_uris']],
    ['a logo that is script', { ...WEB, logo_uri: 'javascript:alert(1)' }, ['logo_uri']],
    ['a scope that nobody defines', { ...WEB, scope: 'openid orders:all admin' }, ['scope', 'scope']],
  ])('is refused with %s', async (_, input, fields) => {
    const before = await registry.durable.clients.list({ organizationId: 'org_a' });
    expect((await faultsIn(() => create(input))).toSorted()).toEqual(fields.toSorted());
    expect(await registry.durable.clients.list({ organizationId: 'org_a' })).toEqual(before);
  });

  it('is refused to an organisation that is disabled', async () => {
    await disableOrganization(registry.operator, 'org_a');
    await expect(create(MACHINE)).rejects.toThrow(StateError);
    await enableOrganization(registry.operator, 'org_a');
  });
});

describe('a changed application', () => {
  it('keeps what is not named, and gives up links that are null', async () => {
    const { client } = await create({
      ...WEB,
      logo_uri: 'https://a.example/l.png',
      scope: 'openid quality:read',
    });
    const changes = { client_name: 'Door', logo_uri: null, redirect_uris: ['https://b.example/'] };
    const { logo_uri: _, ...kept } = client.metadata;
    expect((await update(client.id, changes)).metadata).toEqual({
      ...kept,
      client_name: 'Door',
      redirect_uris: ['https://b.example/'],
    });
    const before = await getApplication(registry.operator, OWNER, client.id);
    const nothing = { scope: undefined, client_name: undefined };
    expect(await updateApplication(registry.operator, OWNER, client.id, nothing)).toEqual(before);
  });

  it('follows the rules of a new one, and stays what it is', async () => {
    const { id } = (await create(WEB)).client;
    expect(await faultsIn(() => update(id, { redirect_uris: ['http://a.example/'] }))).toEqual([
      'redirect_uris[0]',
    ]);
    expect(await faultsIn(() => update(id, { scope: 'nope' }))).toEqual(['scope']);
    expect(await faultsIn(() => update(id, { application_type: 'machine' }))).toEqual(['application_type']);
    expect(await faultsIn(() => update(id, { require_pkce: false }))).toEqual(['require_pkce']);
  });

  it('has every change of several that are made at once', async () => {
    const { id } = (await create(WEB)).client;
    const changes = {
      client_name: 'Gate',
      policy_uri: 'https://a.example/p',
      redirect_uris: ['https://c.example/'],
    };
    await Promise.all(Object.entries(changes).map(([name, value]) => update(id, { [name]: value })));
    expect((await getApplication(registry.operator, OWNER, id)).metadata).toMatchObject(changes);
  });

  it('keeps an exception that an operator made', async () => {
    const { id, metadata } = (await create(WEB)).client;
    await updateClient(registry.operator, id, () => ({ metadata: { ...metadata, require_pkce: false } }));
    expect((await update(id, { client_name: 'Legacy' })).metadata.require_pkce).toBe(false);
  });
});

describe('an application that is not theirs', () => {
  async function strangers(): Promise<[what: string, client: Client][]> {
    const make = (organizationId: string | null, input: unknown, environment: 'live' | 'test' = 'test') =>
      createClient(registry.operator, { organizationId, environment, metadata: parseClientMetadata(input) });
    return [
      ['of another organisation', await make('org_b', MACHINE)],
      ['of the operator', await make(null, MACHINE)],
      ['that introspects', await make('org_a', { client_name: 'R', application_type: 'resource_server' })],
      ['of live data', await make('org_a', MACHINE, 'live')],
    ];
  }

  it('does not exist for them, whatever they try', async () => {
    const { operator, pepper } = registry;
    const owner = { organizationId: 'org_a', environments: ['test'] } as const;
    for (const [what, { id }] of await strangers()) {
      const { id: secretId } = await addClientSecret(operator, pepper, id);
      const before = await registry.durable.clients.find(id);
      const attempts = [
        getApplication(operator, owner, id),
        updateApplication(operator, owner, id, { client_name: 'Mine' }),
        addApplicationSecret(operator, pepper, owner, id),
        expireApplicationSecret(operator, owner, id, secretId, inSeconds(registry, 60)),
        revokeApplicationSecret(operator, owner, id, secretId),
        deleteApplication(operator, owner, id),
      ];
      const refusals = await Promise.all(attempts.map(refusalOf));
      expect({ what, refusals }).toEqual({ what, refusals: attempts.map(() => expect.any(NotFoundError)) });
      expect(await registry.durable.clients.find(id)).toEqual(before);
    }
  });
});

describe('a deleted application', () => {
  it('is gone with what was issued to it', async () => {
    const { id } = (await create(MACHINE)).client;
    await deleteApplication(registry.operator, OWNER, id);
    await expect(getApplication(registry.operator, OWNER, id)).rejects.toThrow(NotFoundError);
    const revocations = await registry.durable.revocations.findAny([{ subject: 'client', id }]);
    expect(revocations).toHaveLength(1);
  });
});
