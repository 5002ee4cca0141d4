import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { makeApiKey } from './support/api-keys.ts';
import { authorize, postForm, redeem, refresh, signIn, type TokenAnswer } from './support/http.ts';
import { useScene } from './support/scene.ts';

/** Tests move it forward; it follows the real time otherwise. */
let offsetMs = 0;
const now = () => new Date(Date.now() + offsetMs);
const scene = useScene({ instances: 2, now });

const CALLERS = 50;
const parallel = (call: () => Promise<TokenAnswer>) => Promise.all(Array.from({ length: CALLERS }, call));
const statuses = (answers: TokenAnswer[]) =>
  answers.reduce<Record<number, number>>((all, { status }) => {
    all[status] = (all[status] ?? 0) + 1;
    return all;
  }, {});

async function firstRefreshToken(): Promise<string> {
  const { client, records, auth } = scene;
  const { body } = await signIn(auth.issuer, {
    client,
    email: records.account.email,
    scope: 'work-orders:read',
  });
  return body.refresh_token ?? '';
}

describe('two servers over the same stores', () => {
  test('let exactly one of 50 parallel redemptions of a code succeed', async () => {
    const { client, records, auth } = scene;
    const flow = await authorize(auth.issuer, {
      client,
      email: records.account.email,
      scope: 'work-orders:read',
    });
    const answers = await parallel(() => redeem(auth.issuer, client, flow));
    expect(statuses(answers)).toEqual({ 200: 1, 400: CALLERS - 1 });
    expect(
      answers.filter(({ status }) => status === 400).every(({ body }) => body.error === 'invalid_grant'),
    ).toBe(true);
  });

  test('answer 50 parallel refreshes of one token with one successor', async () => {
    const token = await firstRefreshToken();
    const answers = await parallel(() => refresh(scene.auth.issuer, scene.client, token));
    expect(statuses(answers)).toEqual({ 200: CALLERS });
    const successors = new Set(answers.map(({ body }) => body.refresh_token));
    expect(successors.size).toBe(1);
    const next = await refresh(scene.auth.issuer, scene.client, [...successors][0] ?? '');
    expect(next.status).toBe(200);
  });

  test('give a client that lost the answer the same successor within the retry window', async () => {
    const token = await firstRefreshToken();
    const lost = await refresh(scene.auth.issuer, scene.client, token);
    const retried = await refresh(scene.auth.issuer, scene.client, token);
    expect(retried.status).toBe(200);
    expect(retried.body.refresh_token).toBe(lost.body.refresh_token);
  });

  test('end the family when a token is replayed after its successor was used', async () => {
    const token = await firstRefreshToken();
    const second = await refresh(scene.auth.issuer, scene.client, token);
    const third = await refresh(scene.auth.issuer, scene.client, second.body.refresh_token ?? '');
    expect(third.status).toBe(200);
    expect(await refresh(scene.auth.issuer, scene.client, token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    const after = await refresh(scene.auth.issuer, scene.client, third.body.refresh_token ?? '');
    expect(after.body.error).toBe('invalid_grant');
  });

  test('end the family when a token is replayed after the retry window', async () => {
    const token = await firstRefreshToken();
    const second = await refresh(scene.auth.issuer, scene.client, token);
    offsetMs += 11_000;
    expect((await refresh(scene.auth.issuer, scene.client, token)).body.error).toBe('invalid_grant');
    const after = await refresh(scene.auth.issuer, scene.client, second.body.refresh_token ?? '');
    expect(after.body.error).toBe('invalid_grant');
  });

  test('leave a client signed in when a process dies between consuming a token and answering', async () => {
    const token = await firstRefreshToken();
    const { refreshTokens } = scene.stores.durable;
    expect(await refreshTokens.consume(token, { retryWindowSeconds: 10 })).toBe('consumed');
    const retried = await refresh(scene.auth.issuer, scene.client, token);
    expect(retried.status).toBe(200);
    const next = await refresh(scene.auth.issuer, scene.client, retried.body.refresh_token ?? '');
    expect(next.status).toBe(200);
  });

  test('keep a refresh that failed after consumption retryable', async () => {
    const token = await firstRefreshToken();
    const { organizations } = scene.stores.durable;
    const { organizationId, account } = scene.records;
    const member = { organizationId, accountId: account.id };
    await organizations.removeMember(organizationId, account.id);
    const refused = await refresh(scene.auth.issuer, scene.client, token);
    expect(refused.body.error).toBe('invalid_grant');
    await organizations.putMember({ ...member, role: 'owner' });
    expect((await refresh(scene.auth.issuer, scene.client, token)).status).toBe(200);
  });

  test('end the tokens of a code that is redeemed again', async () => {
    const { client, records, auth } = scene;
    const flow = await authorize(auth.issuer, {
      client,
      email: records.account.email,
      scope: 'work-orders:read',
    });
    const first = await redeem(auth.issuer, client, flow);
    expect(first.status).toBe(200);
    expect((await redeem(auth.issuer, client, flow)).body.error).toBe('invalid_grant');
    const after = await refresh(auth.issuer, client, first.body.refresh_token ?? '');
    expect(after.body.error).toBe('invalid_grant');
  });

  test('keep the flows of one browser apart: a replay in one leaves the other alive', async () => {
    const { client, records, auth } = scene;
    const request = { client, email: records.account.email, scope: 'work-orders:read' };
    const one = await authorize(auth.issuer, request);
    const two = await authorize(auth.issuer, { ...request, browser: one.browser });
    const first = await redeem(auth.issuer, client, one);
    const second = await redeem(auth.issuer, client, two);
    expect([first.status, second.status]).toEqual([200, 200]);
    await redeem(auth.issuer, client, one);
    expect((await refresh(auth.issuer, client, first.body.refresh_token ?? '')).status).toBe(400);
    expect((await refresh(auth.issuer, client, second.body.refresh_token ?? '')).status).toBe(200);
  });

  test('take a key that is deleted while it is revoked for one that is gone', async () => {
    const { auth, stores } = scene;
    for (let round = 0; round < 10; round++) {
      const { key, apiKey } = await makeApiKey(scene);
      const revocations = Array.from({ length: 6 }, () =>
        postForm(`${auth.issuer}/oauth/revoke`, { token: key }),
      );
      await setTimeout(round / 2);
      await stores.durable.apiKeys.delete(apiKey.id);
      expect(statuses(await Promise.all(revocations))).toEqual({ 200: 6 });
    }
  });
});
