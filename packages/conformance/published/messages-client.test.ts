import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  createApiKey,
  createOperator,
  createResourceServer,
  type Operator,
  resourceServerInput,
  revokeApiKey,
} from '@latchkey/registry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findPythonWithRequests } from '../../../infra/test/programs.ts';
import { obtainClientToken } from '../harness/flow.ts';
import { PEPPER } from '../harness/secrets.ts';
import { addClient, ORGANIZATION, type SeededClient } from '../harness/seed.ts';
import { freePort } from '../harness/service-process.ts';
import { useDeployment } from '../harness/use-deployment.ts';

/**
 * A client in Python, of the form in which integrators were taught to write it, calls a messaging API that has
 * none of our stores: guard's example for Express, in a process of its own, asks our server about each credential.
 */
const deployment = useDeployment();
const SCOPE = 'send:messages';
const run = promisify(execFile);
let operator: Operator;
let api: { url: string; stop(): Promise<unknown> };
let application: SeededClient;

beforeAll(async () => {
  const { durable, shared, issuer } = deployment;
  operator = createOperator({ durable, feed: shared.feed, name: 'test' });
  const port = await freePort();
  const audience = `http://127.0.0.1:${port}`;
  const { client_id, client_secret } = await addClient(durable, PEPPER, 'client_messages', {
    application_type: 'resource_server',
  });
  const described = {
    identifier: audience,
    name: 'Messages',
    scopes: { [SCOPE]: 'Send messages' },
    accepts_api_keys: true,
    introspection_client: client_id,
  };
  await createResourceServer(operator, resourceServerInput.parse(described));
  application = await addClient(durable, PEPPER, 'client_sender', {
    scope: SCOPE,
    application_type: 'machine',
  });
  api = await startMessages(port, {
    ISSUER: issuer,
    AUDIENCE: audience,
    CLIENT_ID: client_id,
    CLIENT_SECRET: client_secret,
  });
});
afterAll(() => api?.stop());

async function startMessages(port: number, env: Record<string, string>): Promise<typeof api> {
  const program = fileURLToPath(new URL('../../guard/examples/express.ts', import.meta.url));
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH, PORT: String(port), ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  const answers = () => fetch(url).then(Boolean, () => false);
  while (child.exitCode === null && !(await answers())) await delay(25);
  return { url, stop: () => (child.kill('SIGKILL') ? once(child, 'exit') : Promise.resolve()) };
}

async function sendFromPython(credential: string): Promise<string> {
  const program = fileURLToPath(new URL('messages_client.py', import.meta.url));
  const env = { PATH: process.env.PATH, API_KEY: credential, API_BASE_URL: `${api.url}/v1`, NO_PROXY: '*' };
  return (await run(findPythonWithRequests() ?? 'python3', [program], { env })).stdout;
}

async function createKey(scopes: string[], settings: { ipAllowlist?: string[] } = {}) {
  const names = { organizationId: ORGANIZATION, environment: 'live', name: 'Messenger' } as const;
  const limits = { ipAllowlist: [], rateLimit: null, expiresAt: null };
  return createApiKey(operator, PEPPER, { ...names, ...limits, ...settings, scopes });
}

test('it sends its message with an API key', async () => {
  const { key } = await createKey([SCOPE]);
  const output = await sendFromPython(key);
  expect(output).toMatch(/^sent: /);
  expect(output).toContain('"text": "The night shift begins"');
  expect(output).toContain(`"from": "${ORGANIZATION}"`);
});

test('it sends its message with an access token in the place of the key', async () => {
  const token = await obtainClientToken(deployment, { scope: SCOPE, resource: api.url }, application);
  expect(await sendFromPython(token)).toMatch(/^sent: /);
});

test.each([
  ['its placeholder, unchanged', async () => 'YOUR_API_KEY', 401, 'invalid_token'],
  [
    'a key without the scope',
    async () => (await createKey(['work-orders:read'])).key,
    403,
    'insufficient_scope',
  ],
  [
    'a key for other addresses',
    async () => (await createKey([SCOPE], { ipAllowlist: ['192.0.2.0/24'] })).key,
    403,
    'forbidden',
  ],
  [
    'a revoked key',
    async () => {
      const { apiKey, key } = await createKey([SCOPE]);
      await revokeApiKey(operator, apiKey.id);
      return key;
    },
    401,
    'invalid_token',
  ],
])('it prints the reason when it is refused: %s', async (_, credential, status, code) => {
  const output = await sendFromPython(await credential());
  expect(output).toContain(`refused: ${status}`);
  expect(output).toContain(`"error":"${code}"`);
});
