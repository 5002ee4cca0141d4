import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createDeployment, type Deployment, startLatchkey } from './latchkey.ts';

const PATIENCE_MS = 30_000;

let deployment: Deployment;
beforeAll(async () => {
  deployment = await createDeployment();
});
afterAll(() => deployment?.close());

/** Starts to apply a file of three clients and answers once the first is made and the second keeps it waiting. */
async function applyUntilTheSecond(name: string, options: string[]) {
  const { durable, env } = deployment;
  const ids = ['first', 'second', 'third'].map((place) => `client_${name}_${place}`);
  const [first = '', second = ''] = ids;
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-apply-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'registry.json');
  const declare = async (clientIds: string[], clientName: string) => {
    const member = { client_name: clientName, application_type: 'machine' };
    await writeFile(path, JSON.stringify({ clients: clientIds.map((id) => ({ ...member, client_id: id })) }));
  };
  await declare([second], 'Before');
  await deployment.json('apply', path);
  await declare(ids, 'After');
  const { promise: free, resolve: release } = Promise.withResolvers<void>();
  const { promise: locked, resolve: lock } = Promise.withResolvers<void>();
  const holding = durable.transaction(async ({ clients }) => {
    await clients.lock(second);
    lock();
    await free;
  });
  const letGo = async () => {
    release();
    await holding;
  };
  onTestFinished(letGo);
  await locked;
  const started = startLatchkey(['apply', path, '--yes', ...options], env);
  await vi.waitFor(
    async () => expect((await durable.clients.find(first))?.secrets).toHaveLength(1),
    PATIENCE_MS,
  );
  return {
    ...started,
    secret: new RegExp(`^ {2}${first} {2}[0-9A-Za-z]{43}$`, 'm'),
    release: letGo,
    made: async () =>
      Promise.all(ids.map(async (id) => (await durable.clients.find(id))?.metadata.client_name)),
  };
}

describe('latchkey apply that ends before its end', { timeout: 60_000 }, () => {
  it('has shown each secret when it was made', async () => {
    const { child, result, ended, secret, release } = await applyUntilTheSecond('killed', []);
    await vi.waitFor(() => expect(result.stdout).toMatch(secret), PATIENCE_MS);
    child.kill('SIGKILL');
    await ended;
    await release();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'shows them beside JSON on %s, once the change in progress is made, and makes no other',
    async (signal) => {
      const { child, ended, secret, release, made } = await applyUntilTheSecond(signal, ['--json']);
      child.kill(signal);
      await release();
      const { code, stdout, stderr } = await ended;
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(secret);
      expect(stderr).toContain('Stopped before the end; another run goes on from here.');
      expect(await made()).toEqual(['After', 'After', undefined]);
    },
  );
});
