import { newId } from '@latchkey/protocol';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startAuth, type TestAuth } from './support/auth-server.ts';
import { failing } from './support/failing.ts';
import { basic, postForm, refresh, signIn } from './support/http.ts';
import { type Records, type RegisteredClient, seed } from './support/records.ts';
import { openStores, type TestStores } from './support/stores.ts';

const OPAQUE_API = 'https://opaque.example.com';
/** The one operation of a store that does not succeed at the moment. */
let failed: string | undefined;
/** Tests move it forward; it follows the real time otherwise. */
let offsetMs = 0;
const now = () => new Date(Date.now() + offsetMs);
let stores: TestStores;
let auth: TestAuth;
let records: Records;
let client: RegisteredClient;

beforeAll(async () => {
  stores = await openStores(now);
  const fails = (operation: string) => operation === failed;
  const shared = stores.shared.map((store) => failing(store, fails));
  auth = await startAuth({ durable: failing(stores.durable, fails), shared, now });
  records = await seed(stores.durable, auth.config.pepper);
  client = await records.addClient();
  const { createdAt: _c, updatedAt: _u, ...standard } = records.resourceServer;
  const { id, identifier } = { id: newId('resourceServer'), identifier: OPAQUE_API };
  await stores.durable.resourceServers.create({
    ...standard,
    id,
    identifier,
    tokenFormat: 'opaque',
    isDefault: false,
  });
  await stores.shared[0]?.feed.publish({ type: 'resource_server', id });
});
afterEach(() => {
  failed = undefined;
});
afterAll(async () => {
  await auth?.close();
  await stores?.close();
});

const post = (path: string, token: string) =>
  postForm(`${auth.issuer}/oauth/${path}`, { token }, basic(client));
const use = (token: string | undefined) => refresh(auth.issuer, client, token ?? '');
const tokens = async () => {
  const request = { client, email: records.account.email, scope: 'work-orders:read' };
  const { body } = await signIn(auth.issuer, request);
  return { access: body.access_token ?? '', refresh: body.refresh_token ?? '' };
};
/** A family of three, the youngest of which is good. */
const family = async () => {
  const { refresh: first, access } = await tokens();
  const second = (await use(first)).body.refresh_token ?? '';
  const third = (await use(second)).body.refresh_token ?? '';
  return { first, third, grantId: String(decodeJwt(access).grant_id) };
};
const auditedOf = async (action: string, targetId: string) => {
  const events = await stores.durable.auditEvents.list({ action, limit: 50 });
  return events.filter(({ target }) => target?.id === targetId);
};

describe.each(['resourceServers.list', 'revocations.put', 'grants.revoke'])(
  'what should have ended a grant and met a failure of %s, once it is repeated',
  (operation) => {
    const meetingFailure = async (request: () => Promise<{ status: number }>) => {
      failed = operation;
      expect((await request()).status).toBe(503);
      failed = undefined;
      return request();
    };

    test('a replay of a refresh token ends the family, and leaves its trace', async () => {
      const { first, third, grantId } = await family();
      expect((await meetingFailure(() => use(first))).status).toBe(400);
      expect((await use(third)).status).toBe(400);
      await vi.waitFor(async () => expect(await auditedOf('grant.replay_detected', grantId)).toHaveLength(1));
    });

    test('a revocation of a refresh token ends the access tokens of its grant', async () => {
      const { access, refresh: token } = await tokens();
      expect((await meetingFailure(() => post('revoke', token))).status).toBe(200);
      expect((await post('introspect', access)).body).toEqual({ active: false });
    });

    test('a revocation of a used refresh token ends its successors', async () => {
      const { first, third } = await family();
      expect((await meetingFailure(() => post('revoke', first))).status).toBe(200);
      expect((await use(third)).status).toBe(400);
    });
  },
);

describe('an end that is written and cannot be announced has happened, and leaves its trace', () => {
  test('of a replayed refresh token', async () => {
    const { first, third, grantId } = await family();
    failed = 'feed.publish';
    expect((await use(first)).body.error).toBe('invalid_grant');
    await vi.waitFor(async () => expect(await auditedOf('grant.replay_detected', grantId)).toHaveLength(1));
    expect((await use(third)).status).toBe(400);
  });

  test('of a revoked JWT, and processes are told once they can be', async () => {
    const { access } = await tokens();
    const jti = String(decodeJwt(access).jti);
    const heard: unknown[] = [];
    const onEvent = (event: object) => void heard.push('revocation' in event && event.revocation);
    const follower = await stores.shared[0]?.feed.follow({ onEvent, onGap() {} });
    failed = 'feed.publish';
    expect((await post('revoke', access)).status).toBe(200);
    expect(await auditedOf('token.revoked', jti)).toHaveLength(1);
    failed = undefined;
    const told = expect.objectContaining({ subject: 'token', id: jti });
    await vi.waitFor(() => expect(heard).toContainEqual(told), 3_000);
    await follower?.close();
  });
});

describe('a refresh that was not answered with tokens', () => {
  const signedIn = async (parameters: Record<string, string> = {}) => {
    const scope = 'work-orders:read';
    const request = { client, email: records.account.email, scope, parameters };
    return (await signIn(auth.issuer, request)).body.refresh_token;
  };
  const outageOf = async (operation: string, token: string | undefined) => {
    failed = operation;
    expect((await use(token)).status).toBe(503);
    offsetMs += 6_000;
    expect((await use(token)).status).toBe(503);
    offsetMs += 11_000;
    failed = undefined;
  };

  test.each([
    ['the successor could not be stored', 'refreshTokens.put', {}],
    ['the opaque access token could not be stored', 'artifacts.put', { resource: OPAQUE_API }],
  ])('is no use of the token, however long %s', async (_what, operation, parameters) => {
    const token = await signedIn(parameters);
    await outageOf(operation, token);
    const { status, body } = await use(token);
    expect(status).toBe(200);
    expect((await use(body.refresh_token)).status).toBe(200);
    expect((await use(token)).body.error).toBe('invalid_grant');
  });

  test('leaves a successor that another answer gave good, and its use makes the token’s own a replay', async () => {
    const token = await signedIn({ resource: OPAQUE_API });
    const successor = (await use(token)).body.refresh_token;
    failed = 'artifacts.put';
    expect((await use(token)).status).toBe(503);
    failed = undefined;
    expect((await use(successor)).status).toBe(200);
    offsetMs += 11_000;
    expect((await use(token)).body.error).toBe('invalid_grant');
  });

  test('stays ended by a revocation', async () => {
    const token = await signedIn();
    await outageOf('refreshTokens.put', token);
    expect((await post('revoke', token ?? '')).status).toBe(200);
    expect((await use(token)).body.error).toBe('invalid_grant');
  });
});
