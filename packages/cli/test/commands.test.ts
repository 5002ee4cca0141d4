import { digestSecret, verifyPassword } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeployment, type Deployment } from './latchkey.ts';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await createDeployment();
});
afterAll(() => deployment?.close());

const actions = async () => {
  const events = await deployment.durable.auditEvents.list({ limit: 100 });
  return events.map(({ action }) => action);
};

describe('latchkey org', () => {
  it('creates, lists, shows and changes an organisation, in one stable shape', async () => {
    const { json } = deployment;
    const made = await json('org', 'create', '--name', 'Acme', '--id', 'org_acme', '--plan', 'professional');
    expect(made).toEqual({
      id: 'org_acme',
      name: 'Acme',
      plan: 'professional',
      rate_limit: null,
      ip_allowlist: [],
      leaked_key_policy: 'revoke',
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      updated_at: made.created_at,
      disabled_at: null,
    });
    const updated = await json('org', 'update', 'org_acme', '--name', 'Acme Inc');
    expect(updated).toEqual({ ...made, name: 'Acme Inc', updated_at: expect.any(String) });
    expect(await json('org', 'list')).toEqual([updated]);
    expect(await json('org', 'show', 'org_acme')).toEqual(updated);
    expect(await actions()).toEqual(expect.arrayContaining(['organization.created', 'organization.updated']));
  });

  it('sets the limit, the allowlist and the policy for leaked keys, and takes them away again', async () => {
    const { json, run } = deployment;
    const settings = ['--rate-limit', '50000', '--leaked-key-policy', 'notify'];
    const ranges = ['--ip-allowlist', '203.0.113.0/24', '--ip-allowlist', '2001:db8::/32'];
    expect(await json('org', 'update', 'org_acme', ...settings, ...ranges)).toMatchObject({
      name: 'Acme Inc',
      rate_limit: 50_000,
      ip_allowlist: ['203.0.113.0/24', '2001:db8::/32'],
      leaked_key_policy: 'notify',
    });
    expect(
      await json('org', 'update', 'org_acme', '--rate-limit', 'none', '--ip-allowlist', 'none'),
    ).toMatchObject({ rate_limit: null, ip_allowlist: [], leaked_key_policy: 'notify' });
    const wrong = await run(['org', 'update', 'org_acme', '--ip-allowlist', '10.0.0.0/33']);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/^ip_allowlist\[0\]: /) });
    expect(await run(['org', 'update', 'org_acme', '--rate-limit', 'fast'])).toMatchObject({ code: 2 });
  });

  it('says in one line on stderr what is wrong, and exits with 1', async () => {
    expect(await deployment.run(['org', 'show', 'org_nobody'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'There is no organisation "org_nobody"\n',
    });
    expect((await deployment.run(['org', 'create', '--name', 'x', '--id', 'org_acme'])).stderr).toBe(
      'That id is taken.\n',
    );
    expect((await deployment.run(['org', 'create', '--name', 'x', '--plan', 'gold'])).stderr).toMatch(
      /^plan: /,
    );
  });
});

describe('latchkey user', () => {
  it('takes the password from stdin and never shows it', async () => {
    const args = [
      'user',
      'create',
      '--email',
      'Ada@Example.com',
      '--name',
      'Ada',
      '--password-stdin',
      '--json',
    ];
    const { code, stdout } = await deployment.run(args, { stdin: 'a long passphrase\n' });
    expect(code).toBe(0);
    expect(stdout).not.toContain('a long passphrase');
    const account = await deployment.durable.accounts.findByEmail('ada@example.com');
    expect(JSON.parse(stdout)).toMatchObject({
      id: account?.id,
      email: 'Ada@Example.com',
      has_password: true,
    });
    expect(await verifyPassword(String(account?.passwordDigest), 'a long passphrase')).toBe(true);
  });

  it('makes a password and shows it once', async () => {
    const { json } = deployment;
    const made = await json(
      'user',
      'create',
      '--email',
      'bob@example.com',
      '--name',
      'Bob',
      '--generate-password',
    );
    const account = await deployment.durable.accounts.find(String(made.id));
    expect(await verifyPassword(String(account?.passwordDigest), String(made.password))).toBe(true);
    expect(await json('user', 'show', 'bob@example.com')).not.toHaveProperty('password');
  });

  it('asks for a way to give the password where there is no terminal to ask on', async () => {
    const args = ['user', 'create', '--email', 'c@example.com', '--name', 'C'];
    const { code, stderr } = await deployment.run(args);
    expect(code).toBe(2);
    expect(stderr).toContain('--password-stdin');
    expect(await deployment.durable.accounts.findByEmail('c@example.com')).toBeUndefined();
  });

  it('refuses a short password and a taken address', async () => {
    const args = ['user', 'create', '--email', 'd@example.com', '--name', 'D', '--password-stdin'];
    expect((await deployment.run(args, { stdin: 'short' })).stderr).toBe('must be at least 8 characters\n');
    const taken = ['user', 'create', '--email', 'ADA@example.com', '--name', 'D', '--no-password'];
    expect((await deployment.run(taken)).stderr).toBe('That e-mail address belongs to another user.\n');
  });

  it('gives seats and lists them from both sides', async () => {
    const { json } = deployment;
    await json('org', 'create', '--name', 'Seats', '--id', 'org_seats');
    await json('user', 'add-to-org', 'bob@example.com', 'org_seats', '--role', 'developer');
    expect(await json('user', 'show', 'bob@example.com')).toMatchObject({
      organizations: [{ organization: 'org_seats', role: 'developer' }],
    });
    expect(await json('org', 'members', 'org_seats')).toMatchObject([
      { organization: 'org_seats', role: 'developer', email: 'bob@example.com' },
    ]);
  });
});

describe('latchkey client', () => {
  it('registers a client and shows its secret once; only a digest is stored', async () => {
    const { json, durable, pepper } = deployment;
    const made = await json(
      ...['client', 'create', '--name', 'Portal', '--type', 'web', '--org', 'org_acme', '--no-pkce'],
      ...['--redirect-uri', 'https://a.example/cb', '--redirect-uri', 'http://localhost/cb'],
      ...['--scope', 'openid work-orders:read', '--refresh-without-secret'],
    );
    expect(made).toMatchObject({
      organization: 'org_acme',
      environment: 'live',
      client_name: 'Portal',
      redirect_uris: ['https://a.example/cb', 'http://localhost/cb'],
      scope: 'openid work-orders:read',
      require_pkce: false,
      refresh_without_secret: true,
      secrets: [{ id: expect.stringMatching(/^secret_/), expires_at: null }],
    });
    const secret = String(made.client_secret);
    expect(secret).toMatch(/^[0-9A-Za-z]{43}$/);
    const stored = await durable.clients.find(String(made.client_id));
    expect(stored?.secrets.map(({ digest }) => digest)).toEqual([digestSecret(pepper, secret)]);
    expect(await json('client', 'show', String(made.client_id))).not.toHaveProperty('client_secret');
  });

  it('makes no secret for a public client', async () => {
    const made = await deployment.json(
      ...['client', 'create', '--name', 'App', '--type', 'native', '--redirect-uri', 'com.example.app:/cb'],
    );
    expect(made).not.toHaveProperty('client_secret');
    const { code, stderr } = await deployment.run(['client', 'secret', 'create', String(made.client_id)]);
    expect(code).toBe(1);
    expect(stderr).toContain('has no secrets');
  });

  it('names every fault at once', async () => {
    const args = ['client', 'create', '--name', ' ', '--type', 'web', '--redirect-uri', 'http://a.example/*'];
    const { code, stderr, stdout } = await deployment.run([...args, '--scope', 'a"b']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(
      stderr
        .trim()
        .split('\n')
        .map((line) => line.split(':')[0]),
    ).toEqual(['client_name', 'redirect_uris[0]', 'scope']);
  });

  it('rotates secrets with an overlap, and revokes one', async () => {
    const { json, durable } = deployment;
    const { client_id: id } = await json(
      'client',
      'create',
      '--name',
      'M',
      '--type',
      'machine',
      '--id',
      'legacy.m',
    );
    const before = Date.now();
    const second = await json('client', 'secret', 'create', String(id), '--overlap', '24h');
    const [first, added] = (await durable.clients.find(String(id)))?.secrets ?? [];
    expect(first?.expiresAt?.toISOString()).toBe(second.older_secrets_expire_at);
    expect(Math.abs(Number(first?.expiresAt) - before - 86_400_000)).toBeLessThan(60_000);
    expect(added).toMatchObject({ id: second.secret_id, expiresAt: null });
    await json('client', 'secret', 'revoke', String(id), String(first?.id));
    expect((await durable.clients.find(String(id)))?.secrets.map((secret) => secret.id)).toEqual([
      second.secret_id,
    ]);
  });

  it('lets a secret end by itself, from the start or later', async () => {
    const { json, run, durable } = deployment;
    const made = await json('client', 'secret', 'create', 'legacy.m', '--expires-at', '90d');
    const days = (Date.parse(String(made.expires_at)) - Date.now()) / 86_400_000;
    expect(days).toBeCloseTo(90, 2);
    const at = '2031-12-31T23:59:59Z';
    await json('client', 'secret', 'expire', 'legacy.m', String(made.secret_id), '--at', at);
    const secrets = (await durable.clients.find('legacy.m'))?.secrets;
    expect(secrets?.find(({ id }) => id === made.secret_id)?.expiresAt).toEqual(new Date(at));
    const past = [
      'client',
      'secret',
      'expire',
      'legacy.m',
      String(made.secret_id),
      '--at',
      '2001-01-01T00:00:00Z',
    ];
    expect(await run(past)).toMatchObject({ code: 1, stderr: 'expires_at: must be in the future\n' });
  });

  it('changes what is named and keeps the rest', async () => {
    const { json } = deployment;
    const updated = await json(
      'client',
      'update',
      'legacy.m',
      '--name',
      'Machine',
      '--scope',
      'inventory:read',
    );
    expect(updated).toMatchObject({
      client_name: 'Machine',
      scope: 'inventory:read',
      application_type: 'machine',
      grant_types: ['client_credentials'],
    });
  });
});

describe('latchkey resource-server', () => {
  it('registers one with its introspection credentials', async () => {
    const { json, durable } = deployment;
    const made = await json(
      ...['resource-server', 'create', '--identifier', 'https://api.example', '--name', 'API', '--default'],
      ...['--scope', 'orders:read=List orders', '--token-format', 'opaque', '--token-ttl-seconds', '600'],
      '--with-introspection',
    );
    expect(made).toMatchObject({
      identifier: 'https://api.example',
      scopes: { 'orders:read': 'List orders' },
      token_format: 'opaque',
      token_ttl_seconds: 600,
      signing_algorithm: 'ES256',
      default: true,
      introspection_client: made.client_id,
    });
    expect(made.client_secret).toMatch(/^[0-9A-Za-z]{43}$/);
    const client = await durable.clients.find(String(made.client_id));
    expect(client?.metadata).toMatchObject({ application_type: 'resource_server', grant_types: [] });
  });

  it('hands the default from one to the next, and gives it up', async () => {
    const { json } = deployment;
    await json('resource-server', 'create', '--identifier', 'urn:second', '--name', 'Second', '--default');
    const list = await json<{ identifier: string; default: boolean }[]>('resource-server', 'list');
    expect(list.map((one) => [one.identifier, one.default])).toEqual([
      ['https://api.example', false],
      ['urn:second', true],
    ]);
    expect(await json('resource-server', 'update', 'urn:second', '--name', '2')).toHaveProperty(
      'default',
      true,
    );
    expect(await json('resource-server', 'update', 'urn:second', '--no-default')).toHaveProperty(
      'default',
      false,
    );
  });
});
