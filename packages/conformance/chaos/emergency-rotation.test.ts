import { createOperator, rotateSigningKey } from '@latchkey/registry';
import { type DurableStorage, openPostgres, openRedis, type SharedStorage } from '@latchkey/storage';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type ProcessDeployment, prepareProcesses } from '../harness/process-deployment.ts';
import { ENCRYPTION_KEY } from '../harness/secrets.ts';
import type { ServiceProcess } from '../harness/service-process.ts';

let deployment: ProcessDeployment;
let stores: { durable: DurableStorage; shared: SharedStorage };
let api: ServiceProcess;

beforeAll(async () => {
  deployment = await prepareProcesses(inject('postgresUrl'));
  await Promise.all([deployment.startAuth(), deployment.startAuth()]);
  api = await deployment.startApi();
  stores = {
    durable: openPostgres({ url: deployment.databaseUrl }),
    shared: openRedis({ url: deployment.redis.url }),
  };
});

afterAll(async () => {
  await Promise.all([stores?.durable.close(), stores?.shared.close()]);
  await deployment?.close();
});

async function issueToken(): Promise<string> {
  const { client_id, client_secret } = deployment.clients.machine;
  const response = await fetch(`${deployment.issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}`, connection: 'close' },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'work-orders:read' }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

async function statusFor(token: string): Promise<number> {
  const response = await fetch(`${api.url}/api/v2/work-orders`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await response.arrayBuffer();
  return response.status;
}

async function replaceLeakedKey(): Promise<string> {
  const operator = createOperator({ ...stores, feed: stores.shared.feed, name: 'test' });
  const rotation = { algorithm: 'ES256', activateAfterSeconds: 0, emergency: true } as const;
  return (await rotateSigningKey(operator, ENCRYPTION_KEY, rotation)).kid;
}

/** Two processes of the authorization server and one API, each with a view of its own of what changed. */
describe('signing-keys rotate --emergency', () => {
  test('ends the tokens of the leaked key, whether or not one of the new key comes', async () => {
    const leaked = await issueToken();
    expect(await statusFor(leaked)).toBe(200);
    await replaceLeakedKey();
    await expect.poll(() => statusFor(leaked), { timeout: 2000, interval: 20 }).toBe(401);
  });

  test('has the tokens of the new key accepted, while those of the leaked one are tried', async () => {
    const leaked = await issueToken();
    expect(await statusFor(leaked)).toBe(200);
    const kid = await replaceLeakedKey();
    let fresh = '';
    const issuedBy = async () => {
      fresh = await issueToken();
      return decodeProtectedHeader(fresh).kid;
    };
    await expect.poll(issuedBy, { timeout: 2000, interval: 20 }).toBe(kid);
    const statuses = () => Promise.all([statusFor(leaked), statusFor(fresh)]);
    await expect.poll(statuses, { timeout: 2000, interval: 20 }).toEqual([401, 200]);
  });
});
