import { parseApiKey } from '@latchkey/protocol';
import {
  createApiKey,
  createOperator,
  createResourceServer,
  DEFAULT_API_KEY_SCOPES,
  parseInput,
  resourceServerInput,
} from '@latchkey/registry';
import { type ApiKey, digestSecret } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeployment, type Deployment } from './latchkey.ts';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await createDeployment();
  await deployment.json('org', 'create', '--name', 'Acme', '--id', 'org_acme');
});
afterAll(() => deployment?.close());

const create = (...args: string[]) =>
  deployment.json('api-key', 'create', '--org', 'org_acme', '--name', 'Line 3', ...args);

/** Made in this process, which is faster. */
async function make(more: Partial<ApiKey> = {}): Promise<{ id: string; key: string }> {
  const { durable, shared, pepper } = deployment;
  const operator = createOperator({ durable, feed: shared.feed, name: 'test' });
  const { apiKey, key } = await createApiKey(operator, pepper, {
    organizationId: 'org_acme',
    environment: 'live',
    name: 'Line 3',
    scopes: ['quality:read'],
    ipAllowlist: [],
    rateLimit: null,
    expiresAt: null,
    ...more,
  });
  return { id: apiKey.id, key };
}

describe('latchkey api-key', () => {
  it('makes a key with the data scopes and shows it once; only a digest is stored', async () => {
    const { json, durable, pepper } = deployment;
    const { key, ...made } = await create();
    expect(made).toEqual({
      id: expect.stringMatching(/^key_/),
      organization: 'org_acme',
      environment: 'live',
      name: 'Line 3',
      state: 'active',
      prefix: String(key).slice(0, 16),
      last_four: String(key).slice(-4),
      scopes: DEFAULT_API_KEY_SCOPES,
      ip_allowlist: [],
      rate_limit: null,
      created_by: { type: 'operator', id: 'cli' },
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      updated_at: made.created_at,
      expires_at: null,
      last_used_at: null,
      revoked_at: null,
      leaked_at: null,
      successor: null,
    });
    const parsed = parseApiKey(String(key));
    expect(parsed?.id).toBe(made.id);
    const stored = await durable.apiKeys.find(String(made.id));
    expect(stored?.digest).toEqual(digestSecret(pepper, String(parsed?.secret)));
    expect(await json('api-key', 'show', String(made.id))).toEqual(made);
  });

  it('makes one with settings of its own', async () => {
    const made = await create(
      ...['--env', 'test', '--scope', 'work-orders:read usage:read', '--rate-limit', '100'],
      ...[
        '--ip-allowlist',
        '203.0.113.0/24',
        '--ip-allowlist',
        '::1',
        '--expires-at',
        '2031-12-31T23:59:59Z',
      ],
    );
    expect(made).toMatchObject({
      environment: 'test',
      key: expect.stringMatching(/^sk_test_/),
      scopes: ['work-orders:read', 'usage:read'],
      rate_limit: 100,
      ip_allowlist: ['203.0.113.0/24', '::1'],
      expires_at: '2031-12-31T23:59:59.000Z',
    });
  });

  it('lists the keys of an organisation, newest first, or those of one kind of data', async () => {
    const { json } = deployment;
    const list = await json<{ environment: string }[]>('api-key', 'list', '--org', 'org_acme');
    expect(list.map(({ environment }) => environment)).toEqual(['test', 'live']);
    expect(list[0]).not.toHaveProperty('key');
    const live = await json<unknown[]>('api-key', 'list', '--org', 'org_acme', '--env', 'live');
    expect(live).toEqual(list.slice(1));
    expect(await deployment.run(['api-key', 'list', '--org', 'org_none'])).toMatchObject({ code: 1 });
  });

  it('changes what is named, and takes away what is none', async () => {
    const { json } = deployment;
    const { id } = await make({ rateLimit: 5 });
    const changes = ['--name', 'Line 4', '--ip-allowlist', '203.0.113.7', '--expires-at', '90d'];
    const updated = await json('api-key', 'update', id, ...changes);
    expect(updated).toMatchObject({
      name: 'Line 4',
      scopes: ['quality:read'],
      ip_allowlist: ['203.0.113.7'],
      rate_limit: 5,
    });
    expect((Date.parse(String(updated.expires_at)) - Date.now()) / 86_400_000).toBeCloseTo(90, 2);
    const none = ['--ip-allowlist', 'none', '--rate-limit', 'none', '--expires-at', 'none'];
    expect(await json('api-key', 'update', id, ...none)).toMatchObject({
      name: 'Line 4',
      ip_allowlist: [],
      rate_limit: null,
      expires_at: null,
    });
  });

  it('rotates with an overlap of a day unless another is said', async () => {
    const { json } = deployment;
    const old = await make();
    const next = await json('api-key', 'rotate', old.id);
    expect(next).toMatchObject({ name: 'Line 3', scopes: ['quality:read'], old_key: old.id });
    expect(next.key).not.toBe(old.key);
    const days = (Date.parse(String(next.old_key_expires_at)) - Date.now()) / 86_400_000;
    expect(days).toBeCloseTo(1, 2);
    expect(await json('api-key', 'show', old.id)).toMatchObject({
      successor: next.id,
      state: 'active',
    });
    await json('api-key', 'rotate', String(next.id), '--overlap', '0s');
    expect(await json('api-key', 'show', String(next.id))).toMatchObject({ state: 'expired' });
  });

  it('asks before it ends a key', async () => {
    const { id } = await make();
    for (const args of [
      ['revoke', id],
      ['delete', id],
      ['rotate', id, '--overlap', '0s'],
    ]) {
      const { code, stderr } = await deployment.run(['api-key', ...args]);
      expect({ code, asked: stderr.includes('--yes') }).toEqual({ code: 2, asked: true });
    }
    expect(await deployment.json('api-key', 'show', id)).toMatchObject({ state: 'active' });
  });

  it('revokes for good, and deletes', async () => {
    const { json, run } = deployment;
    const { id } = await make();
    expect(await json('api-key', 'revoke', id)).toMatchObject({ state: 'revoked' });
    expect(await run(['api-key', 'update', id, '--name', 'x'])).toEqual({
      code: 1,
      stdout: '',
      stderr: `API key ${id} is revoked and cannot be changed\n`,
    });
    expect(await json('api-key', 'delete', id)).toEqual({ deleted: id });
    expect(await run(['api-key', 'show', id])).toMatchObject({
      code: 1,
      stderr: `There is no API key "${id}"\n`,
    });
  });

  it('names every fault at once, and makes no key', async () => {
    const before = await deployment.json<unknown[]>('api-key', 'list', '--org', 'org_acme');
    const settings = ['--scope', '', '--ip-allowlist', 'example.com', '--rate-limit', '0'];
    const args = ['api-key', 'create', '--org', 'org_acme', '--name', ' ', ...settings];
    const { code, stdout, stderr } = await deployment.run(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const fields = stderr
      .trim()
      .split('\n')
      .map((line) => line.split(':')[0]);
    expect(fields).toEqual([
      ...['--name', '--scope', '--ip-allowlist', '--rate-limit'],
      'An API key can have',
    ]);
    expect(await deployment.json('api-key', 'list', '--org', 'org_acme')).toEqual(before);
  });

  it('tells who mistypes a scope which there are, those of resource servers that take keys too', async () => {
    const { id } = await make();
    const { durable, run } = deployment;
    const server = { identifier: 'urn:ledger', name: 'Ledger', scopes: { 'ledger:post': 'Post' } };
    const operator = createOperator({ durable, feed: deployment.shared.feed, name: 'test' });
    await createResourceServer(
      operator,
      parseInput(resourceServerInput, { ...server, accepts_api_keys: true }),
    );
    const { code, stderr } = await run(['api-key', 'update', id, '--scope', 'quality:reed']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^--scope: quality:reed is no scope that an API key can have$/m);
    expect(stderr).toMatch(/^An API key can have: .*quality:read .*ledger:post/m);
  });

  it.each(['tomorrow', '2031-12-31', '90 days'])(
    'does not take %j for an end, and says what is',
    async (text) => {
      const create = ['api-key', 'create', '--org', 'org_acme', '--name', 'x', '--expires-at', text];
      const result = await deployment.run(create);
      expect(result.code).toBe(2);
      expect(result.stderr).toBe(
        `--expires-at ${text}: say an instant (2031-12-31T23:59:59Z) or a time from now (90d), or none.\n`,
      );
    },
  );

  it('names the option of an end that is past', async () => {
    const { id } = await make();
    const end = ['--expires-at', '2020-01-01T00:00:00Z'];
    const { code, stderr } = await deployment.run(['api-key', 'update', id, ...end]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '--expires-at: must be in the future\n' });
  });

  it('needs the pepper to make a key, and says so before anything happens', async () => {
    const args = ['api-key', 'create', '--org', 'org_acme', '--name', 'x'];
    const { code, stderr } = await deployment.run(args, { env: { PEPPER: '' } });
    expect(code).toBe(1);
    expect(stderr).toContain('PEPPER');
  });

  it('keeps every change in the audit log, and no key', async () => {
    const { key } = await make();
    const events = await deployment.durable.auditEvents.list({ limit: 200 });
    const actions = new Set(
      events.map(({ action }) => action).filter((action) => action.startsWith('api_key.')),
    );
    const changes = ['created', 'updated', 'rotated', 'revoked', 'deleted'];
    expect(actions).toEqual(new Set(changes.map((change) => `api_key.${change}`)));
    expect(JSON.stringify(events)).not.toContain(String(parseApiKey(key)?.secret));
  });
});
