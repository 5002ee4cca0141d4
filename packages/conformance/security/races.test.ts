import { describe, expect, test } from 'vitest';
import { introspect, obtainCode, obtainTokens, redeem, refresh, revoke, tokensOf } from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const CALLERS = 50;
const deployment = useDeployment({ servers: 2 });
const atOnce = <T>(call: () => Promise<T>) => Promise.all(Array.from({ length: CALLERS }, call));

describe('RFC 6749 under races between two servers', () => {
  test('§4.1.2 of fifty parallel redemptions of a code exactly one gets tokens', async () => {
    const code = await obtainCode(deployment);
    const answers = await atOnce(() => redeem(deployment, code));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const losers = answers.filter(({ status }) => status !== 200);
    expect(losers.every(({ status, body }) => status === 400 && body.error === 'invalid_grant')).toBe(true);
  });

  test('§6 fifty parallel refreshes have one successor, which lives', async () => {
    const { refreshToken } = await obtainTokens(deployment);
    const answers = await atOnce(() => refresh(deployment, refreshToken));
    const successors = new Set(answers.flatMap(({ body }) => body.refresh_token ?? []));
    expect(successors.size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect((await refresh(deployment, String([...successors][0]))).status).toBe(200);
  });

  test('§10.4 a revocation in the middle of fifty refreshes wins: nothing that was answered lives', async () => {
    const { refreshToken } = await obtainTokens(deployment);
    const refreshing = atOnce(() => refresh(deployment, refreshToken));
    await revoke(deployment, refreshToken);
    const issued = (await refreshing).filter(({ status }) => status === 200).map(tokensOf);
    for (const tokens of issued) {
      expect((await introspect(deployment, tokens.accessToken)).body).toEqual({ active: false });
      expect((await refresh(deployment, tokens.refreshToken)).body.error).toBe('invalid_grant');
    }
    expect((await refresh(deployment, refreshToken)).body.error).toBe('invalid_grant');
  });

  test('§10.4 a token that one server revoked is dead at the other at once', async () => {
    const { accessToken } = await obtainTokens(deployment);
    await revoke(deployment, accessToken);
    for (let call = 0; call < 4; call++) {
      expect((await introspect(deployment, accessToken)).body).toEqual({ active: false });
    }
  });
});
