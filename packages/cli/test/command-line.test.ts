import { openPrivateJwk } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeployment, type Deployment, runLatchkey } from './latchkey.ts';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await createDeployment();
  const { json } = deployment;
  await json('org', 'create', '--name', 'Acme', '--id', 'org_acme');
  await json('user', 'create', '--email', 'bob@example.com', '--name', 'Bob', '--no-password');
  await json('client', 'create', '--name', 'M', '--type', 'machine', '--id', 'legacy.m');
});
afterAll(() => deployment?.close());

describe('latchkey signing-keys', () => {
  it('rotates: the new key is published now and signs later, the old one outlives its last token', async () => {
    const { json, durable, encryptionKey } = deployment;
    await json('signing-keys', 'rotate', '--emergency');
    const before = Date.now();
    const { kid } = await json('signing-keys', 'rotate', '--activate-after', '15m');
    const [old, next] = await durable.signingKeys.list();
    expect(next).toMatchObject({ kid, algorithm: 'ES256', retiredAt: null });
    expect(Math.abs(Number(next?.activeAt) - before - 900_000)).toBeLessThan(60_000);
    expect(Number(old?.retiredAt) - Number(next?.activeAt)).toBe(86_400_000);
    const privateJwk = openPrivateJwk(encryptionKey, String(kid), next?.sealedPrivateJwk ?? Buffer.alloc(0));
    expect(privateJwk).toMatchObject({ ...next?.publicJwk, d: expect.any(String) });
    expect(next?.publicJwk).not.toHaveProperty('d');
    const states = await json<{ state: string }[]>('signing-keys', 'list');
    expect(states.map(({ state }) => state)).toEqual(['signing', 'waiting']);
  });

  it('refuses a second rotation under way, a change-over too soon, and to retire the key that signs', async () => {
    const { run, durable } = deployment;
    expect((await run(['signing-keys', 'rotate'])).stderr).toMatch(/waiting to become active/);
    expect((await run(['signing-keys', 'rotate', '--activate-after', '1m'])).stderr).toMatch(/at least 120/);
    const [signing] = await durable.signingKeys.list();
    const retire = await run(['signing-keys', 'retire', String(signing?.kid), '--yes']);
    expect(retire).toMatchObject({ code: 1, stderr: expect.stringContaining('no successor') });
  });

  it('in an emergency replaces every key of the algorithm at once', async () => {
    const { json } = deployment;
    const { kid } = await json('signing-keys', 'rotate', '--emergency');
    expect(await json('signing-keys', 'list')).toMatchObject([{ kid, state: 'signing' }]);
  });
});

describe('the command line', () => {
  it('refuses a destructive command without a terminal and without --yes', async () => {
    for (const args of [
      ['org', 'delete', 'org_acme'],
      ['user', 'disable', 'bob@example.com'],
      ['client', 'delete', 'legacy.m'],
      ['signing-keys', 'rotate', '--emergency'],
    ]) {
      const { code, stderr } = await deployment.run(args);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr).toContain('--yes');
    }
    expect(await deployment.durable.clients.find('legacy.m')).toMatchObject({ disabledAt: null });
  });

  it('exits with 2 on what it does not understand', async () => {
    for (const args of [[], ['nonsense'], ['org', 'create'], ['org', 'list', '--nonsense']]) {
      expect((await deployment.run(args)).code).toBe(2);
    }
  });

  it('names every missing variable at once, and only those the command needs', async () => {
    const env = { PATH: process.env.PATH ?? '' };
    const create = await runLatchkey(['client', 'create', '--name', 'x', '--type', 'web'], env);
    expect(create.code).toBe(1);
    for (const name of ['DATABASE_URL', 'REDIS_URL', 'PEPPER', 'npm start -- --apply FILE']) {
      expect(create.stderr).toContain(name);
    }
    const list = await runLatchkey(['client', 'list'], env);
    expect(list.stderr).not.toMatch(/REDIS_URL|PEPPER/);
  });

  it('tells to migrate an empty database', async () => {
    const url = new URL(deployment.env.DATABASE_URL ?? '');
    url.pathname = '/postgres';
    const { code, stderr } = await deployment.run(['org', 'list'], { env: { DATABASE_URL: url.href } });
    expect(code).toBe(1);
    expect(stderr).toContain('latchkey migrate');
  });

  it('makes the change and says so when Redis is away', async () => {
    const env = { REDIS_URL: 'redis://127.0.0.1:1' };
    const { code, stderr } = await deployment.run(['client', 'disable', 'legacy.m', '--yes'], { env });
    expect(code).toBe(0);
    expect(stderr.match(/Redis is not reachable/g)).toHaveLength(1);
    expect((await deployment.durable.clients.find('legacy.m'))?.disabledAt).toBeInstanceOf(Date);
  });

  it('migrates an up-to-date schema to nothing new', async () => {
    expect(await deployment.json('migrate')).toEqual([]);
  });
});
