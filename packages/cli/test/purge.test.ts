import type { UsageCount } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeployment, type Deployment } from './latchkey.ts';

const DAY_MS = 86_400_000;

let deployment: Deployment;
beforeAll(async () => {
  deployment = await createDeployment();
  await deployment.durable.organizations.create({ id: 'org_acme', name: 'Acme', plan: 'free' });
});
afterAll(() => deployment?.close());

const ago = (days: number) => new Date(Date.now() - days * DAY_MS);
const count = (days: number): UsageCount => ({
  organizationId: 'org_acme',
  environment: 'live',
  credentialType: 'api_key',
  credentialId: 'key_1',
  route: 'GET /',
  statusClass: 2,
  minute: ago(days),
  requests: 1,
});

describe('latchkey purge', () => {
  it('deletes what is long over and says how many of each, to scripts and to people', async () => {
    const { durable, json, run } = deployment;
    await durable.revocations.put({ subject: 'token', id: 'a', revokedAt: ago(4), expiresAt: ago(3) });
    await durable.usage.add([count(401), count(40)]);
    const none = { refresh_tokens: 0, grants: 0, revocations: 0, idempotency_keys: 0, usage: 0 };
    expect(await json('purge')).toEqual({ ...none, revocations: 1, usage: 1 });
    const { code, stdout, stderr } = await run(['purge', '--usage-retention-days', '30']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^revocations +0\n(.*\n)*usage +1$/m);
    const actions = (await durable.auditEvents.list({ limit: 9 })).map(({ action, actor }) => [
      action,
      actor.id,
    ]);
    expect(actions).toEqual([
      ['records.purged', 'cli'],
      ['records.purged', 'cli'],
    ]);
  });

  it('needs the database alone', async () => {
    const env = { REDIS_URL: '', PEPPER: '', ENCRYPTION_KEY: '' };
    expect(await deployment.run(['purge'], { env })).toMatchObject({ code: 0 });
  });

  it.each(['', 'soon', '1.5', '-1'])('does not understand %j as days', async (days) => {
    expect(await deployment.run(['purge', `--usage-retention-days=${days}`])).toMatchObject({ code: 2 });
  });

  it('refuses to keep no usage at all', async () => {
    expect(await deployment.run(['purge', '--usage-retention-days', '0'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^usage_retention_days: must be 1 to /),
    });
  });
});
