import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createOperator, rotateSigningKey } from '@latchkey/registry';
import { createLogger } from '@latchkey/service';
import { type SigningKey, sealPrivateJwk } from '@latchkey/storage';
import { createRemoteJWKSet, decodeProtectedHeader, type JWK, jwtVerify } from 'jose';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createKeyRing, type PrivateKey, selectKeys } from '../src/provider/keys.ts';
import { startAuth } from './support/auth-server.ts';
import { basic, postForm } from './support/http.ts';
import { useScene } from './support/scene.ts';
import { openStores } from './support/stores.ts';

/** Tests move it forward; it follows the real time otherwise. */
let offsetMs = 0;
const now = () => new Date(Date.now() + offsetMs);
const scene = useScene({ instances: 2, now });

async function issue(): Promise<string> {
  const form = { grant_type: 'client_credentials', scope: 'work-orders:read' };
  const { body } = await postForm(`${scene.auth.issuer}/oauth/token`, form, basic(scene.client));
  return body.access_token ?? '';
}

async function publishedKids(): Promise<string[]> {
  const response = await fetch(`${scene.auth.issuer}/.well-known/jwks.json`);
  expect(response.headers.get('cache-control')).toMatch(/^public, max-age=\d+$/);
  const { keys } = (await response.json()) as { keys: JWK[] };
  for (const key of keys) expect(key).not.toHaveProperty('d');
  return keys.map(({ kid }) => kid ?? '');
}

/** Its predecessor leaves in two hours. */
async function addSigningKey(activeAt: Date): Promise<SigningKey> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomUUID();
  const { encryptionKey } = scene.auth.config;
  const sealedPrivateJwk = sealPrivateJwk(encryptionKey, kid, { ...privateKey.export({ format: 'jwk' }) });
  const publicJwk = { ...publicKey.export({ format: 'jwk' }) };
  const key = { kid, algorithm: 'ES256', publicJwk, sealedPrivateJwk, activeAt } as const;
  return scene.stores.durable.signingKeys.rotate(key, new Date(now().getTime() + 7_200_000));
}

test('a rotated key is published, signs from its instant on, and leaves; no token fails meanwhile', async () => {
  const { shared } = scene.stores;
  const before = await issue();
  const { kid: oldKid } = decodeProtectedHeader(before);
  const { kid } = await addSigningKey(new Date(now().getTime() + 600_000));
  await shared[0]?.feed.publish({ type: 'signing_keys' });
  // Twice: each of the two servers in turn.
  const everywhere = async () => [...(await publishedKids()), ...(await publishedKids())];
  await expect
    .poll(async () => (await everywhere()).filter((one) => one === kid).length, { timeout: 3000 })
    .toBe(2);
  expect(decodeProtectedHeader(await issue()).kid).toBe(oldKid);

  offsetMs += 600_000;
  const after = [await issue(), await issue()];
  expect(after.map((token) => decodeProtectedHeader(token).kid)).toEqual([kid, kid]);
  const keys = createRemoteJWKSet(new URL(`${scene.auth.issuer}/oauth/jwks`));
  for (const token of [before, ...after]) await jwtVerify(token, keys, { issuer: scene.auth.issuer });
  const introspected = await postForm(
    `${scene.auth.issuer}/oauth/introspect`,
    { token: before },
    basic(scene.client),
  );
  expect(introspected.body).toMatchObject({ active: true });

  offsetMs += 7_200_000;
  expect(await everywhere()).not.toContain(oldKid);
});

test('each server announces its keys once it serves them, so that no look after the last finds old ones', async () => {
  const { durable, shared } = scene.stores;
  const seen: Promise<string[]>[] = [];
  const follower = await shared[0]?.feed.follow({
    // Two looks in turn reach both servers.
    onEvent: ({ type }) => void (type === 'signing_keys' && seen.push(publishedKids(), publishedKids())),
    onGap() {},
  });
  const { kid } = await addSigningKey(new Date(now().getTime() + 3_600_000));
  await shared[0]?.feed.publish({ type: 'signing_keys' });
  const announced = async () => (await Promise.all(seen)).length / 2;
  await expect.poll(announced, { timeout: 3000 }).toBe(3);
  for (const kids of (await Promise.all(seen)).slice(-2)) expect(kids).toContain(kid);

  // Nobody says a word when a key's time is over.
  await durable.signingKeys.retire(kid, new Date(now().getTime() + 60_000));
  await shared[0]?.feed.publish({ type: 'signing_keys' });
  await expect.poll(announced, { timeout: 3000 }).toBe(6);
  offsetMs += 60_000;
  await Promise.all([publishedKids(), publishedKids()]);
  await expect.poll(announced, { timeout: 3000 }).toBe(8);
  for (const kids of (await Promise.all(seen)).slice(-2)) expect(kids).not.toContain(kid);
  await follower?.close();
});

test('a server that nobody tells of a key serves it ten seconds later', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const { encryptionKey } = scene.auth.config;
  const logger = createLogger({ service: 'auth', level: 'silent' });
  const { durable } = scene.stores;
  const keyRing = await createKeyRing({ durable, encryptionKey, logger, onChange() {}, now });
  onTestFinished(keyRing.stop);
  const { kid } = await addSigningKey(now());
  vi.advanceTimersByTime(10_000);
  await vi.waitFor(() => expect(keyRing.current().keys.map((key) => key.kid)).toContain(kid));
});

test('servers that start together on an empty database agree on the first keys', async () => {
  const stores = await openStores();
  const auth = await startAuth({ ...stores, instances: 2 });
  const algorithms = (await stores.durable.signingKeys.listAll()).map(({ algorithm }) => algorithm);
  expect(algorithms.toSorted()).toEqual(['ES256', 'RS256']);
  await auth.close();
  await stores.close();
});

test('a key that does not open leaves a running server with the keys it knows, past the end of one of them', async () => {
  const stores = await openStores();
  const lines: string[] = [];
  let aheadMs = 0;
  const clock = () => new Date(Date.now() + aheadMs);
  const logs = { write: (line: string) => void lines.push(line) };
  const auth = await startAuth({ ...stores, now: clock, logs });
  const feed = stores.shared[0]?.feed;
  const operator = createOperator({
    durable: stores.durable,
    feed: feed ?? expect.unreachable(),
    name: 'test',
  });
  const rotation = { algorithm: 'ES256', activateAfterSeconds: 600, emergency: false } as const;
  const published = async () => {
    const { keys } = (await (await fetch(`${auth.issuer}/oauth/jwks`)).json()) as { keys: JWK[] };
    return keys.map(({ kid }) => kid);
  };
  try {
    const { kid } = await rotateSigningKey(operator, auth.config.encryptionKey, rotation);
    await expect.poll(published).toContain(kid);
    aheadMs = 600_000;
    const before = await published();
    const foreign = { kid: randomUUID(), algorithm: 'RS256', publicJwk: {}, activeAt: clock() } as const;
    const sealedPrivateJwk = sealPrivateJwk(randomBytes(32), foreign.kid, {});
    await stores.durable.signingKeys.rotate({ ...foreign, sealedPrivateJwk }, clock());
    await feed?.publish({ type: 'signing_keys' });
    await expect.poll(() => lines.join('')).toContain('signing keys not read');
    // A day after its successor took over the first ES256 key ends.
    aheadMs += 86_400_000;
    const after = await published();
    expect(after).toHaveLength(before.length - 1);
    expect(after[0]).toBe(kid);
  } finally {
    await auth.close();
    await stores.close();
  }
});

test('of each algorithm the newest active key comes first, the waiting last, the retired not at all', () => {
  const at = new Date(10_000);
  const key = (kid: string, activeAt: number, retiredAt: number | null): SigningKey => ({
    kid,
    algorithm: 'ES256',
    publicJwk: {},
    sealedPrivateJwk: Buffer.alloc(0),
    createdAt: new Date(0),
    activeAt: new Date(activeAt),
    retiredAt: retiredAt === null ? null : new Date(retiredAt),
  });
  const open = ({ kid, algorithm }: SigningKey): PrivateKey => ({
    kid,
    algorithm,
    publicJwk: {},
    privateJwk: {},
  });
  const records = [
    key('gone', 1_000, 10_000),
    key('old', 2_000, 20_000),
    key('signs', 10_000, null),
    key('waits', 15_000, null),
  ];
  const { keys, until } = selectKeys(records, at, open);
  expect(keys.map(({ kid }) => kid)).toEqual(['signs', 'old', 'waits']);
  expect(until).toBe(15_000);
});
