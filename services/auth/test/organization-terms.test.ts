import { newId } from '@latchkey/protocol';
import { updateOrganization } from '@latchkey/registry';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { addGateway, makeApiKey, operatorOf } from './support/api-keys.ts';
import { basic, postForm, signIn } from './support/http.ts';
import { API, type RegisteredClient } from './support/records.ts';
import { useScene } from './support/scene.ts';

const OPAQUE_API = 'https://opaque.example.com';
const TERMS = { organization_ip_allowlist: ['203.0.113.0/24'], organization_rate_limit: 3 };

const scene = useScene();
let gateway: RegisteredClient;

beforeAll(async () => {
  gateway = await addGateway(scene);
  const { createdAt: _c, updatedAt: _u, ...standard } = scene.records.resourceServer;
  await scene.stores.durable.resourceServers.create({
    ...standard,
    id: newId('resourceServer'),
    identifier: OPAQUE_API,
    tokenFormat: 'opaque',
    isDefault: false,
    introspectionClientId: gateway.id,
  });
});

const change = (changes: Parameters<typeof updateOrganization>[2]) =>
  updateOrganization(operatorOf(scene), scene.records.organizationId, changes);
/** In the record and for everybody, and nothing that was issued ends by it. */
const setDisabled = async (disabledAt: Date | null) => {
  const id = scene.records.organizationId;
  await scene.stores.durable.organizations.update(id, { disabledAt });
  await scene.stores.shared[0]?.feed.publish({ type: 'organization', id });
};
afterEach(async () => {
  await setDisabled(null);
  await change({ plan: 'professional', rate_limit: null, ip_allowlist: [] });
});

const introspect = async (token: string, as = gateway) =>
  (await postForm(`${scene.auth.issuer}/oauth/introspect`, { token }, basic(as))).body;
const clientToken = async (resource: string) => {
  const form = { grant_type: 'client_credentials', scope: 'work-orders:read', resource };
  const { body } = await postForm(`${scene.auth.issuer}/oauth/token`, form, basic(scene.client));
  return body.access_token ?? '';
};
const userToken = async () => {
  const { client, auth, records } = scene;
  const request = { client, email: records.account.email, scope: 'work-orders:read' };
  return (await signIn(auth.issuer, request)).body.access_token ?? '';
};

describe.each([
  ['a client’s JWT', () => clientToken(API)],
  ['a person’s JWT', userToken],
  ['an opaque token', () => clientToken(OPAQUE_API)],
  ['an API key', async () => (await makeApiKey(scene)).key],
])('introspection of %s', (_what, get) => {
  test('tells a resource server what its organisation has set, as it is now', async () => {
    const token = await get();
    const before = await introspect(token);
    expect(before).toMatchObject({ active: true, plan: 'professional', organization_rate_limit: 10_000 });
    expect(before).not.toHaveProperty('organization_ip_allowlist');
    await change({ plan: 'free', rate_limit: 3, ip_allowlist: ['203.0.113.0/24'] });
    await vi.waitFor(async () =>
      expect(await introspect(token)).toMatchObject({ active: true, plan: 'free', ...TERMS }),
    );
  });

  test('answers that it is inactive as soon as its organisation is disabled', async () => {
    const token = await get();
    await setDisabled(new Date());
    await vi.waitFor(async () => expect(await introspect(token)).toEqual({ active: false }));
  });
});

test.each([API, OPAQUE_API])('the client of a token for %s is not told of the terms', async (resource) => {
  await change({ rate_limit: 3, ip_allowlist: ['203.0.113.0/24'] });
  const answer = await introspect(await clientToken(resource), scene.client);
  expect(answer).toMatchObject({ active: true, org_id: scene.records.organizationId });
  for (const term of Object.keys(TERMS)) expect(answer).not.toHaveProperty(term);
});
