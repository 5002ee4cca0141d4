import { newId } from '@latchkey/protocol';
import { disableOrganization, enableOrganization } from '@latchkey/registry';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { addGateway, operatorOf } from './support/api-keys.ts';
import { authorize, basic, postForm, refresh, signIn } from './support/http.ts';
import type { RegisteredClient } from './support/records.ts';
import { useScene } from './support/scene.ts';

const OPAQUE_API = 'https://opaque.example.com';

const scene = useScene();
let gateway: RegisteredClient;
/** Whose applications people of the scene's organisation use. */
const vendor = newId('organization');

beforeAll(async () => {
  gateway = await addGateway(scene);
  const { organizations, resourceServers } = scene.stores.durable;
  await organizations.create({ id: vendor, name: 'Vendor', plan: 'free' });
  const { createdAt: _c, updatedAt: _u, ...standard } = scene.records.resourceServer;
  await resourceServers.create({
    ...standard,
    id: newId('resourceServer'),
    identifier: OPAQUE_API,
    tokenFormat: 'opaque',
    isDefault: false,
    introspectionClientId: gateway.id,
  });
});

const request = (client: RegisteredClient, parameters = {}) => ({
  client,
  email: scene.records.account.email,
  scope: 'work-orders:read',
  parameters,
});
const start = async (client: RegisteredClient, parameters = {}) => {
  const { body } = await signIn(scene.auth.issuer, request(client, parameters));
  return { access: body.access_token ?? '', refresh: body.refresh_token ?? '' };
};
const isActive = async (token: string) => {
  const url = `${scene.auth.issuer}/oauth/introspect`;
  return (await postForm(url, { token }, basic(gateway))).body.active;
};
const use = (client: RegisteredClient, token: string) => refresh(scene.auth.issuer, client, token);

describe('while an organisation is disabled, its application', () => {
  test('can do nothing for people of another one, and what it held is ended for good', async () => {
    const { auth, records } = scene;
    const client = await records.addClient({}, vendor);
    const before = await start(client);
    expect(await isActive(before.access)).toBe(true);
    await disableOrganization(operatorOf(scene), vendor);
    expect(await isActive(before.access)).toBe(false);
    await vi.waitFor(async () =>
      expect((await use(client, before.refresh)).body.error).toBe('invalid_client'),
    );
    expect((await authorize(auth.issuer, request(client))).code).toBe('');

    await enableOrganization(operatorOf(scene), vendor);
    await vi.waitFor(async () =>
      expect((await use(client, before.refresh)).body.error).toBe('invalid_grant'),
    );
    expect(await isActive(before.access)).toBe(false);
  });

  test('is no client from the moment it is disabled, before anything that it held has ended', async () => {
    const { organizations } = scene.stores.durable;
    const client = await scene.records.addClient({}, vendor);
    const before = await start(client, { resource: OPAQUE_API });
    expect(await isActive(before.access)).toBe(true);
    const set = async (disabledAt: Date | null) => {
      await organizations.update(vendor, { disabledAt });
      await scene.stores.shared[0]?.feed.publish({ type: 'organization', id: vendor });
    };
    await set(new Date());
    await vi.waitFor(async () =>
      expect((await use(client, before.refresh)).body.error).toBe('invalid_client'),
    );
    expect(await isActive(before.access)).toBe(false);
    await set(null);
    await vi.waitFor(async () => expect((await use(client, before.refresh)).status).toBe(200));
  });
});
