import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createOperator, type Operator } from '@latchkey/registry';
import { digestSecret, verifyPassword } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseDeclaration, planDeclaration } from '../src/index.ts';
import { createDeployment, type Deployment } from './latchkey.ts';

const EXAMPLE = fileURLToPath(new URL('../../../infra/apply.example.yaml', import.meta.url));

interface Document {
  applied: boolean;
  plan: { action: string; kind: string; name: string; changes: string[] }[];
  secrets: { client_id: string; client_secret: string }[];
  api_keys: { id: string; organization: string; environment: string; name: string; key: string }[];
}

let deployment: Deployment;
let operator: Operator;
beforeAll(async () => {
  deployment = await createDeployment();
  operator = createOperator({ durable: deployment.durable, feed: deployment.shared.feed, name: 'test' });
});
afterAll(() => deployment?.close());

async function file(content: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-apply-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'registry.yaml');
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function faultsOf(declaration: unknown): string[] {
  try {
    parseDeclaration(declaration);
  } catch (error) {
    return String(error).replace('InvalidInputError: ', '').split('\n');
  }
  throw new Error('was accepted');
}

describe('latchkey apply', () => {
  it('shows the plan and writes nothing with --dry-run', async () => {
    const { code, stdout } = await deployment.run(['apply', EXAMPLE, '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^create {2}organization {5}org_northwind$/m);
    expect(await deployment.durable.organizations.list()).toEqual([]);
    expect(await deployment.durable.auditEvents.list({ limit: 1 })).toEqual([]);
  });

  it('asks first: without a terminal and --yes it writes nothing', async () => {
    const { code, stderr } = await deployment.run(['apply', EXAMPLE]);
    expect(code).toBe(2);
    expect(stderr).toContain('--yes');
    expect(await deployment.durable.organizations.list()).toEqual([]);
  });

  it('brings about what the example declares, and finds nothing to do the second time', async () => {
    const first = await deployment.json<Document>('apply', EXAMPLE);
    expect(first.applied).toBe(true);
    expect(first.plan.map(({ action, name }) => `${action} ${name}`)).toEqual([
      'create org_northwind',
      'create ines@northwind.example',
      'create otto@northwind.example',
      'create northwind-portal',
      'create client_northwind_app',
      'create client_northwind_import',
      'create client_northwind_reports',
      'create client_northwind_ledger',
      'create https://ledger.northwind.example',
      'create Ledger export (org_northwind, live)',
    ]);
    expect(first.secrets).toEqual([]);
    const key = { organization: 'org_northwind', environment: 'live', name: 'Ledger export' };
    const id = expect.stringMatching(/^key_/);
    expect(first.api_keys).toEqual([{ ...key, id, key: expect.stringMatching(/^sk_live_/) }]);
    const second = await deployment.json<Document>('apply', EXAMPLE);
    expect(second).toMatchObject({ applied: false, api_keys: [] });
    expect(new Set(second.plan.map(({ action }) => action))).toEqual(new Set(['unchanged']));
  });

  it('stored ids, passwords, seats and secrets as the example gives them', async () => {
    const { durable, pepper } = deployment;
    const ines = await durable.accounts.find('user_ines');
    expect(await verifyPassword(String(ines?.passwordDigest), 'correct horse battery staple')).toBe(true);
    expect(await durable.organizations.findMembership('org_northwind', 'user_ines')).toMatchObject({
      role: 'owner',
    });
    const portal = await durable.clients.find('northwind-portal');
    expect(portal?.secrets.map(({ digest }) => digest)).toEqual([
      digestSecret(pepper, 'northwind-portal-secret-0001'),
    ]);
    expect(portal?.metadata).toMatchObject({ require_pkce: false, refresh_without_secret: true });
    expect((await durable.clients.find('client_northwind_import'))?.secrets).toHaveLength(2);
    expect(await durable.resourceServers.findByIdentifier('https://ledger.northwind.example')).toMatchObject({
      id: 'rs_ledger',
      tokenFormat: 'opaque',
      introspectionClientId: 'client_northwind_ledger',
    });
  });

  it('names every fault with its path before anything is written', async () => {
    const before = await deployment.durable.auditEvents.list({ limit: 100 });
    const broken = {
      organizations: [
        { id: 'acme', name: 'x' },
        { id: 'org_ok', name: 'ok' },
      ],
      users: [{ email: 'nobody', name: 'x', organizations: [{ organization: 'org_ok', role: 'boss' }] }],
      clients: [
        {
          client_id: 'user_x',
          client_name: 'x',
          redirect_uris: ['http://a.example/'],
          client_secret: 'short',
        },
        { client_id: 'ok', application_type: 'machine', colour: 'red' },
      ],
      resource_servers: [{ identifier: '/api', name: 'x', scopes: { openid: 'x' }, token_ttl_seconds: 0 }],
      worker: [],
    };
    const path = await file(broken);
    const { code, stderr, stdout } = await deployment.run(['apply', path, '--yes']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const lines = stderr.trim().split('\n');
    expect(lines[0]).toMatch(/has \d+ fault\(s\):$/);
    expect(
      lines
        .slice(1)
        .map((line) => line.split(': ')[0])
        .toSorted(),
    ).toEqual([
      'clients[0].client_id',
      'clients[0].client_secret',
      'clients[0].redirect_uris[0]',
      'clients[1].client_name',
      'clients[1].colour',
      'organizations[0].id',
      'resource_servers[0].identifier',
      'resource_servers[0].scopes.openid',
      'resource_servers[0].token_ttl_seconds',
      'users[0].email',
      'users[0].organizations[0].role',
      'worker',
    ]);
    expect(await deployment.durable.auditEvents.list({ limit: 100 })).toEqual(before);
  });

  it('refuses what the file says twice, and secrets that would be of no use', () => {
    const machine = { client_name: 'x', application_type: 'machine' };
    const faults = faultsOf({
      organizations: [
        { id: 'org_a', name: 'x' },
        { id: 'org_a', name: 'y' },
      ],
      users: [
        { email: 'a@b', name: 'x' },
        { email: 'A@B', name: 'y' },
      ],
      clients: [
        { ...machine, client_id: 'a', client_secret: 'x'.repeat(16), client_secrets: ['y'.repeat(16)] },
        { ...machine, client_id: 'a' },
        {
          client_id: 'b',
          client_name: 'x',
          application_type: 'spa',
          redirect_uris: ['https://a.example'],
          client_secret: 'x'.repeat(16),
        },
      ],
      resource_servers: [
        { identifier: 'urn:a', name: 'x', default: true },
        { identifier: 'urn:b', name: 'y', default: true },
      ],
    });
    expect(faults.map((line) => line.split(': ')[0])).toEqual([
      'organizations[1].id',
      'users[1].email',
      'clients[1].client_id',
      'resource_servers[1].default',
      'clients[0].client_secrets',
      'clients[2].client_secret',
    ]);
  });

  it('refuses names of nothing, all at once', async () => {
    const declaration = parseDeclaration({
      users: [{ email: 'x@y', name: 'x', organizations: [{ organization: 'org_none', role: 'owner' }] }],
      clients: [{ client_id: 'x', client_name: 'x', application_type: 'machine', organization: 'org_none' }],
      resource_servers: [{ identifier: 'urn:x', name: 'x', introspection_client: 'client_none' }],
    });
    await expect(planDeclaration(operator, deployment.pepper, declaration)).rejects.toMatchObject({
      faults: [
        { field: 'users[0].organizations[0].organization' },
        { field: 'clients[0].organization' },
        { field: 'resource_servers[0].introspection_client' },
      ],
    });
  });

  it.each([
    ['', /must be a mapping/],
    ['clients: [', /neither YAML nor JSON/],
    ['- a', /must be a mapping/],
    ['clients: nobody', /clients: /],
  ])('says what is wrong with the file %j', async (content, message) => {
    const { code, stderr } = await deployment.run(['apply', await file(content)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });
});
