import { createOperator, rotateSigningKey } from '@latchkey/registry';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { type RunningApi, startApi } from '../harness/api.ts';
import { type Deployment, startDeployment } from '../harness/deployment.ts';
import { ENCRYPTION_KEY } from '../harness/secrets.ts';

// This process's clock, which both services, the library and the stores' clients read; no timer is touched.
const now = () => new Date();
const pass = (minutes: number) => vi.setSystemTime(Date.now() + minutes * 60_000);

let deployment: Deployment;
let api: RunningApi;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  deployment = await startDeployment({
    postgresUrl: inject('postgresUrl'),
    redisUrl: inject('redisUrl'),
    now,
  });
  api = await startApi(deployment, { now });
});

afterAll(async () => {
  vi.useRealTimers();
  await api?.close();
  await deployment?.close();
});

async function issueToken(): Promise<string> {
  const { client_id, client_secret } = deployment.clients.machine;
  const response = await fetch(`${deployment.issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'work-orders:read' }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

async function publishedKids(): Promise<unknown[]> {
  const response = await fetch(`${deployment.issuer}/oauth/jwks`);
  return ((await response.json()) as { keys: { kid: string; alg: string }[] }).keys
    .filter(({ alg }) => alg === 'ES256')
    .map(({ kid }) => kid);
}

describe('signing-keys rotate', () => {
  test('publishes, activates and retires without a restart and without one failed validation', async () => {
    const tokens: string[] = [];
    const issue = async () => {
      const token = await issueToken();
      tokens.push(token);
      return decodeProtectedHeader(token).kid;
    };
    const allAccepted = async () => {
      const answers = await Promise.all(tokens.map(api.statusFor));
      expect(answers).toEqual(tokens.map(() => 200));
    };
    const first = await issue();
    await allAccepted();

    const operator = createOperator({
      durable: deployment.durable,
      feed: deployment.shared.feed,
      name: 'test',
      now,
    });
    const rotation = { algorithm: 'ES256', activateAfterSeconds: 600, emergency: false } as const;
    const { kid: second } = await rotateSigningKey(operator, ENCRYPTION_KEY, rotation);
    await expect.poll(publishedKids, { timeout: 5000 }).toEqual([first, second]);
    expect(await issue(), 'published, not yet signing').toBe(first);
    await allAccepted();

    pass(11);
    expect(await issue(), 'signing from its time on').toBe(second);
    expect(await publishedKids(), 'tokens of the first are still out').toEqual([second, first]);
    await allAccepted();

    pass(61);
    tokens.splice(0);
    expect(await issue()).toBe(second);
    await allAccepted();

    pass(60 * 24 * 31);
    tokens.splice(0);
    await issue();
    expect(await publishedKids(), 'the first is gone').toEqual([second]);
    await allAccepted();
  });
});
