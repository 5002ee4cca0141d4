import { createLogger } from '@latchkey/service';
import { openMemory, type SharedStorage } from '@latchkey/storage';
import { type Adapter, errors } from 'oidc-provider';
import { beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_LIFETIMES } from '../src/config.ts';
import { createAdapterFactory } from '../src/provider/adapter.ts';
import { createDirectory } from '../src/provider/directory.ts';
import { createAuthority } from '../src/provider/grants.ts';
import { useScene } from './support/scene.ts';

const scene = useScene();
const VALUE = 'v'.repeat(43);
let shared: SharedStorage;
let adapterOf: (model: string) => Adapter;

beforeEach(() => {
  shared = openMemory();
  const { durable } = scene.stores;
  const now = () => new Date();
  const logger = createLogger({ service: 'auth', level: 'silent' });
  const authority = createAuthority({ durable, shared, logger, now, lifetimes: DEFAULT_LIFETIMES });
  const directory = createDirectory(durable, now);
  adapterOf = createAdapterFactory({ durable, shared, directory, authority, now }) as (
    model: string,
  ) => Adapter;
});

const CONSUMABLES = [
  ['AuthorizationCode', errors.InvalidGrant],
  ['DeviceCode', errors.InvalidGrant],
  ['BackchannelAuthenticationRequest', errors.InvalidGrant],
  ['PreAuthorizedCode', errors.InvalidGrant],
  ['PushedAuthorizationRequest', errors.InvalidRequestUri],
] as const;

describe.each(CONSUMABLES)('a stored %s', (model, Refusal) => {
  test('is consumed by one of any number of callers; the others are refused', async () => {
    const adapter = adapterOf(model);
    await adapter.upsert(VALUE, { grantId: 'grant_1' }, 60);
    const uses = await Promise.allSettled(Array.from({ length: 20 }, () => adapter.consume(VALUE)));
    const refusals = uses.flatMap((use) => (use.status === 'rejected' ? [use.reason] : []));
    expect(refusals).toHaveLength(19);
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(Refusal);
  });

  test('stays readable as consumed, also when it is stored again', async () => {
    const adapter = adapterOf(model);
    await adapter.upsert(VALUE, { grantId: 'grant_1', scope: 'a' }, 60);
    await adapter.consume(VALUE);
    await adapter.upsert(VALUE, { grantId: 'grant_1', scope: 'b' }, 60);
    expect(await adapter.find(VALUE)).toMatchObject({ jti: VALUE, scope: 'b', consumed: expect.any(Number) });
  });
});

test('a session is found by its uid, and a lifetime of nothing is a second', async () => {
  const adapter = adapterOf('Session');
  await adapter.upsert(VALUE, { uid: 'uid', accountId: 'user_1' }, 0);
  expect(await adapter.findByUid('uid')).toMatchObject({ accountId: 'user_1' });
});

test('no stored payload holds a bearer value', async () => {
  const returnTo = `https://auth.example.com/oauth/authorize/${VALUE}`;
  const session = { uid: 'uid', accountId: 'user_1', cookie: 'the browser session' };
  await adapterOf('Interaction').upsert(VALUE, { jti: VALUE, returnTo, session }, 60);
  const stored = JSON.stringify(await shared.artifacts.find('Interaction', VALUE));
  expect(stored).not.toContain(VALUE);
  expect(stored).not.toContain('the browser session');
  expect(await adapterOf('Interaction').find(VALUE)).toMatchObject({
    jti: VALUE,
    returnTo,
    session: { uid: 'uid', accountId: 'user_1' },
  });
});

test('a client’s metadata holds no secret', async () => {
  const found = await adapterOf('Client').find(scene.client.id);
  expect(found).toMatchObject({ client_id: scene.client.id, client_secret: 'kept-as-digests' });
  expect(JSON.stringify(found)).not.toContain(scene.client.secret);
});

test('models that are not stored are refused', async () => {
  await expect(adapterOf('ReplayDetection').find(VALUE)).rejects.toThrow('not stored');
});
