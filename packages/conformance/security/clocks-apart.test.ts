import {
  createOperator,
  disableClient,
  enableClient,
  type Operator,
  putMember,
  setAccountPassword,
} from '@latchkey/registry';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type RunningApi, startApi } from '../harness/api.ts';
import { type Deployment, startDeployment } from '../harness/deployment.ts';
import { obtainClientToken, obtainTokens } from '../harness/flow.ts';
import { ORGANIZATION } from '../harness/seed.ts';

/** Revokers whose clocks say another time than that of the authorization server, which stamps tokens. */
const BEHIND_MS = -1_500;

let deployment: Deployment;
let api: RunningApi;

beforeAll(async () => {
  deployment = await startDeployment({ postgresUrl: inject('postgresUrl'), redisUrl: inject('redisUrl') });
  api = await startApi(deployment);
});

afterAll(async () => {
  await api?.close();
  await deployment?.close();
});

function operatorOff(ms: number): Operator {
  const { durable, shared } = deployment;
  return createOperator({ durable, feed: shared.feed, name: 'test', now: () => new Date(Date.now() + ms) });
}

const statusSoon = (token: string) =>
  expect.poll(() => api.statusFor(token), { timeout: 5000, interval: 20 });

describe('a client that is disabled by a process whose clock is behind', () => {
  test('keeps no token, and gets one that works when it is enabled at once', async () => {
    const operator = operatorOff(BEHIND_MS);
    const { client_id } = deployment.clients.machine;
    const before = await obtainClientToken(deployment);
    expect(await api.statusFor(before)).toBe(200);
    await disableClient(operator, client_id);
    await statusSoon(before).toBe(401);
    await enableClient(operator, client_id);
    expect(await api.statusFor(await obtainClientToken(deployment))).toBe(200);
    expect(await api.statusFor(before)).toBe(401);
  });
});

describe.each([
  ['whose clock is behind', BEHIND_MS],
  ['whose clock is right', 0],
])('a person who is given another role and password by a process %s', (_, ms) => {
  test('keeps no token, and signs in again at once', async () => {
    const operator = operatorOff(ms);
    const person = deployment.people.developer;
    const signIn = async () => (await obtainTokens(deployment, { person })).accessToken;
    const seat = { organizationId: ORGANIZATION, accountId: person.id };
    const before = await signIn();
    expect(await api.statusFor(before)).toBe(200);
    await putMember(operator, { ...seat, role: 'viewer' });
    await statusSoon(before).toBe(401);
    const between = await signIn();
    expect(await api.statusFor(between)).toBe(200);
    await setAccountPassword(operator, person.id, person.password);
    await statusSoon(between).toBe(401);
    expect(await api.statusFor(await signIn())).toBe(200);
    await putMember(operator, { ...seat, role: 'developer' });
  });
});
