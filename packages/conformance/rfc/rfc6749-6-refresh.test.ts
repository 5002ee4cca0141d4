import { describe, expect, test } from 'vitest';
import { ahead } from '../harness/clock.ts';
import { postForm } from '../harness/endpoints.ts';
import { introspect, obtainTokens, refresh, tokensOf } from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';

/** Of a client that never repeats a request: a used token that comes back is a thief's or its victim's. */
const PAST_RETRY_WINDOW_SECONDS = 11;
const WIDE = 'work-orders:read work-orders:write inventory:read';
const deployment = useDeployment();

describe('RFC 6749 refreshing an access token', () => {
  test('§6 gives a new access token and rotates the refresh token', async () => {
    const first = await obtainTokens(deployment);
    const { answer, ...second } = tokensOf(await refresh(deployment, first.refreshToken));
    expect(answer.status).toBe(200);
    expect(second.accessToken).not.toBe(first.accessToken);
    expect(second.refreshToken).not.toBe(first.refreshToken);
    expect((await introspect(deployment, second.accessToken)).body.active).toBe(true);
  });

  test('§6 a narrower scope is honoured', async () => {
    const { refreshToken } = await obtainTokens(deployment, { parameters: { scope: WIDE } });
    const { answer, accessToken } = tokensOf(
      await refresh(deployment, refreshToken, { changes: { scope: 'inventory:read' } }),
    );
    expect(answer.body.scope).toBe('inventory:read');
    expect((await introspect(deployment, accessToken)).body.scope).toBe('inventory:read');
  });

  test('§6 the refresh token’s scope MUST stay that of the old one: narrowing once does not narrow the next', async () => {
    const { refreshToken } = await obtainTokens(deployment, { parameters: { scope: WIDE } });
    const narrow = tokensOf(
      await refresh(deployment, refreshToken, { changes: { scope: 'inventory:read' } }),
    );
    const again = await refresh(deployment, narrow.refreshToken);
    expect(new Set(String(again.body.scope).split(' '))).toEqual(new Set(WIDE.split(' ')));
  });

  test.each(['inventory:write', 'work-orders:read inventory:write', 'openid', 'moon:walk'])(
    '§6 the scope MUST NOT include one that was not granted: %s',
    async (scope) => {
      const { refreshToken } = await obtainTokens(deployment, { parameters: { scope: WIDE } });
      const answer = await refresh(deployment, refreshToken, { changes: { scope } });
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
      expect(answer.body.access_token).toBeUndefined();
    },
  );

  test('§6 a refused scope does not spend the refresh token', async () => {
    const { refreshToken } = await obtainTokens(deployment);
    await refresh(deployment, refreshToken, { changes: { scope: 'moon:walk' } });
    expect((await refresh(deployment, refreshToken)).status).toBe(200);
  });

  test('§6 MUST be bound to the client it was issued to', async () => {
    const { clients } = deployment;
    const { refreshToken } = await obtainTokens(deployment);
    for (const client of [clients.published, clients.spa]) {
      expect((await refresh(deployment, refreshToken, { client })).body.error).toBe('invalid_grant');
    }
    expect((await refresh(deployment, refreshToken)).status).toBe(200);
  });

  test('§6 MUST require client authentication of confidential clients', async () => {
    const { client_id } = deployment.clients.web;
    const { refreshToken } = await obtainTokens(deployment);
    const answer = await refresh(deployment, refreshToken, { client: { client_id } });
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('§6 the exception is for flagged clients alone, and a wrong secret is wrong for them too', async () => {
    const { client_id } = deployment.clients.published;
    const { refreshToken } = await obtainTokens(deployment, { client: deployment.clients.published });
    const wrong = { client_id, client_secret: 'wrong' };
    expect((await refresh(deployment, refreshToken, { client: wrong })).body.error).toBe('invalid_client');
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id, client_secret: '' };
    const empty = await postForm(`${deployment.issuer}/oauth/token`, form);
    const bare = await refresh(deployment, refreshToken, { client: { client_id } });
    expect([200, 401]).toContain(empty.status);
    expect(bare.status).toBe(200);
  });

  test('§10.4 a public client’s refresh token rotates: the predecessor is dead and kills the family', async () => {
    const client = deployment.clients.spa;
    const first = await obtainTokens(deployment, { client });
    const second = tokensOf(await refresh(deployment, first.refreshToken, { client }));
    const third = tokensOf(await refresh(deployment, second.refreshToken, { client }));
    expect((await refresh(deployment, first.refreshToken, { client })).body.error).toBe('invalid_grant');
    expect((await refresh(deployment, third.refreshToken, { client })).body.error).toBe('invalid_grant');
    for (const { accessToken } of [first, second, third]) {
      expect((await introspect(deployment, accessToken)).body).toEqual({ active: false });
    }
  });

  test('§10.4 a used token that comes back after the retry window ends the family', async () => {
    const first = await obtainTokens(deployment);
    const second = tokensOf(await refresh(deployment, first.refreshToken));
    const replay = await ahead(PAST_RETRY_WINDOW_SECONDS, () => refresh(deployment, first.refreshToken));
    expect(replay.body.error).toBe('invalid_grant');
    expect((await refresh(deployment, second.refreshToken)).body.error).toBe('invalid_grant');
  });

  test('§10.4 a repeated request within the window gets the same successor', async () => {
    const first = await obtainTokens(deployment);
    const one = tokensOf(await refresh(deployment, first.refreshToken));
    const two = tokensOf(await refresh(deployment, first.refreshToken));
    expect(two.refreshToken).toBe(one.refreshToken);
  });

  test('§1.5 dies after fourteen days without use, and ninety days after the sign-in whatever its use', async () => {
    const day = 86_400;
    const idle = await obtainTokens(deployment);
    expect((await ahead(15 * day, () => refresh(deployment, idle.refreshToken))).body.error).toBe(
      'invalid_grant',
    );
    let token = (await obtainTokens(deployment)).refreshToken;
    for (const days of [13, 26, 39, 52, 65, 78, 89]) {
      const next = await ahead(days * day, () => refresh(deployment, token));
      expect([days, next.status]).toEqual([days, 200]);
      token = tokensOf(next).refreshToken;
    }
    expect((await ahead(91 * day, () => refresh(deployment, token))).body.error).toBe('invalid_grant');
  });

  test('§6 ends with the person’s account, and gives no more than the role of today', async () => {
    const { people, durable } = deployment;
    const parameters = { scope: WIDE };
    const tokens = await obtainTokens(deployment, { person: people.developer, parameters });
    await durable.organizations.putMember({
      organizationId: 'org_acme',
      accountId: people.developer.id,
      role: 'viewer',
    });
    const less = tokensOf(await refresh(deployment, tokens.refreshToken));
    expect(String(less.answer.body.scope)).not.toContain('write');
    await durable.accounts.update(people.developer.id, { disabledAt: new Date() });
    expect((await refresh(deployment, less.refreshToken)).body.error).toBe('invalid_grant');
  });
});
