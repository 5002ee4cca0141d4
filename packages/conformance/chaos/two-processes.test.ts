import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { obtainCode, obtainTokens, redeem, refresh } from '../harness/flow.ts';
import { type ProcessDeployment, prepareProcesses } from '../harness/process-deployment.ts';
import type { ServiceProcess } from '../harness/service-process.ts';

const CALLERS = 50;
const atOnce = <T>(call: () => Promise<T>) => Promise.all(Array.from({ length: CALLERS }, call));

let deployment: ProcessDeployment;
let processes: ServiceProcess[];

beforeAll(async () => {
  deployment = await prepareProcesses(inject('postgresUrl'));
  processes = await Promise.all([deployment.startAuth(), deployment.startAuth()]);
});

afterAll(() => deployment?.close());

async function readKeys({ url }: ServiceProcess): Promise<{ kid: string; alg: string }[]> {
  const response = await fetch(`${url}/oauth/jwks`);
  return ((await response.json()) as { keys: { kid: string; alg: string }[] }).keys;
}

describe('two auth processes on the same stores', () => {
  test('started together on an empty database, they sign with the same keys', async () => {
    const [first, second] = await Promise.all(processes.map(readKeys));
    expect(first?.map(({ alg }) => alg).toSorted()).toEqual(['ES256', 'RS256']);
    expect(second).toEqual(first);
  });

  test('of 50 redemptions of one code exactly one gets tokens', async () => {
    const code = await obtainCode(deployment);
    const answers = await atOnce(() => redeem(deployment, code));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(
      answers.filter(({ status, body }) => status === 400 && body.error === 'invalid_grant'),
    ).toHaveLength(CALLERS - 1);
  });

  test('50 refreshes with one token have one successor, which lives', async () => {
    const { refreshToken } = await obtainTokens(deployment);
    const answers = await atOnce(() => refresh(deployment, refreshToken));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const successors = new Set(answers.map(({ body }) => body.refresh_token));
    expect(successors.size).toBe(1);
    expect((await refresh(deployment, String([...successors][0]))).status).toBe(200);
  });

  test('one told to stop answers what it has begun, and the other goes on', async () => {
    const { refreshToken } = await obtainTokens(deployment);
    const answers = atOnce(() => refresh(deployment, refreshToken));
    const stopped = processes[1]?.terminate();
    expect((await answers).map(({ status }) => status)).toEqual(Array.from({ length: CALLERS }, () => 200));
    expect(await stopped).toBe(0);
  });
});
