import type { DurableStorage } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startAuth, type TestAuth } from './support/auth-server.ts';
import { authorize, redeem, refresh, signIn } from './support/http.ts';
import { type Records, type RegisteredClient, seed } from './support/records.ts';
import { openStores, type TestStores } from './support/stores.ts';

let stores: TestStores;
let auth: TestAuth;
let records: Records;
let client: RegisteredClient;
const lines: Record<string, unknown>[] = [];
/** Runs once, between the library's look at a refresh token and its use of it. */
let meanwhile: (() => Promise<unknown>) | undefined;

beforeAll(async () => {
  stores = await openStores();
  const { durable } = stores;
  const interleaved: DurableStorage = {
    ...durable,
    refreshTokens: {
      ...durable.refreshTokens,
      async consume(value, options) {
        const step = meanwhile;
        meanwhile = undefined;
        await step?.();
        return durable.refreshTokens.consume(value, options);
      },
    },
  };
  const logs = { write: (line: string) => void lines.push(JSON.parse(line)) };
  auth = await startAuth({ durable: interleaved, shared: stores.shared, logs });
  records = await seed(durable, auth.config.pepper);
  client = await records.addClient();
});

afterAll(async () => {
  await auth?.close();
  await stores?.close();
});

const start = () => ({ client, email: records.account.email, scope: 'work-orders:read' });
const firstToken = async () => (await signIn(auth.issuer, start())).body.refresh_token ?? '';

/** What must be left behind by the answer to a replay. */
async function expectRecord(requestId: string | null, token: string): Promise<void> {
  const grantId = (await stores.durable.refreshTokens.find(token))?.grantId;
  await vi.waitFor(async () => {
    const events = await stores.durable.auditEvents.list({ action: 'grant.replay_detected', limit: 50 });
    const event = {
      actor: { type: 'client', id: client.id },
      result: 'failure',
      organizationId: records.organizationId,
      ip: expect.stringContaining('127.0.0.1'),
      requestId,
    };
    const ours = events.filter((one) => one.requestId === requestId);
    expect(ours).toEqual([expect.objectContaining(event)]);
    expect(ours[0]?.target).toMatchObject({ type: 'grant', ...(grantId && { id: grantId }) });
  });
  const warnings = lines.filter(({ level, request_id }) => level === 'warn' && request_id === requestId);
  expect(warnings).toEqual([expect.objectContaining({ client_id: client.id, grant_id: expect.any(String) })]);
  expect(JSON.stringify(warnings)).not.toContain(token);
}

describe('a replay is in the audit log and a warning in the log', () => {
  test('of a refresh token whose successor was used', async () => {
    const token = await firstToken();
    const second = await refresh(auth.issuer, client, token);
    await refresh(auth.issuer, client, second.body.refresh_token ?? '');
    const replay = await refresh(auth.issuer, client, token);
    expect(replay.body.error).toBe('invalid_grant');
    await expectRecord(replay.headers.get('x-request-id'), token);
  });

  test('of a refresh token whose successor is used in the same moment', async () => {
    const token = await firstToken();
    const successor = (await refresh(auth.issuer, client, token)).body.refresh_token ?? '';
    meanwhile = () => stores.durable.refreshTokens.consume(successor, { retryWindowSeconds: 10 });
    const replay = await refresh(auth.issuer, client, token);
    expect(replay.body.error).toBe('invalid_grant');
    await expectRecord(replay.headers.get('x-request-id'), token);
    expect((await refresh(auth.issuer, client, successor)).status).toBe(400);
  });

  test('of an authorization code', async () => {
    const flow = await authorize(auth.issuer, start());
    const { body } = await redeem(auth.issuer, client, flow);
    const replay = await redeem(auth.issuer, client, flow);
    expect(replay.body.error).toBe('invalid_grant');
    await expectRecord(replay.headers.get('x-request-id'), body.refresh_token ?? '');
  });
});
