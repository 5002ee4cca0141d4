import { createOperator, type Operator } from '@latchkey/registry';
import { digestSecret } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Generated, parseDeclaration, planDeclaration, runPlan } from '../src/index.ts';
import { createDeployment, type Deployment } from './latchkey.ts';

let deployment: Deployment;
let operator: Operator;
beforeAll(async () => {
  deployment = await createDeployment();
  operator = createOperator({ durable: deployment.durable, feed: deployment.shared.feed, name: 'test' });
});
afterAll(() => deployment?.close());

/** Declares, plans and applies in this process; answers what was done to what. */
async function apply(declaration: unknown): Promise<string[]> {
  const steps = await planDeclaration(operator, deployment.pepper, parseDeclaration(declaration));
  await runPlan(steps);
  return steps
    .filter(({ action }) => action !== 'unchanged')
    .map(({ action, name, changes }) => [action, name, ...changes].join(' '));
}

describe('a changed declaration', () => {
  const machine = { client_id: 'client_m', client_name: 'M', application_type: 'machine' };

  it('replaces a secret: the old one ends', async () => {
    const { durable, pepper } = deployment;
    const live = async () => (await durable.clients.find('client_m'))?.secrets.map(({ digest }) => digest);
    await apply({ clients: [{ ...machine, client_secret: 'first-secret-1234' }] });
    expect(await live()).toEqual([digestSecret(pepper, 'first-secret-1234')]);
    expect(await apply({ clients: [{ ...machine, client_secret: 'second-secret-123' }] })).toEqual([
      'update client_m client_secrets (others are revoked)',
    ]);
    expect(await live()).toEqual([digestSecret(pepper, 'second-secret-123')]);
    expect(await apply({ clients: [machine] })).toEqual([]);
    expect(await live()).toHaveLength(1);
  });

  it('makes a secret for a client that needs one, and only then', async () => {
    const declaration = parseDeclaration({ clients: [{ ...machine, client_id: 'client_n' }] });
    const steps = await planDeclaration(operator, deployment.pepper, declaration);
    const made: Generated[] = [];
    await runPlan(steps, (one) => made.push(one));
    expect(made).toEqual([
      {
        client_id: 'client_n',
        client_secret: expect.stringMatching(/^[0-9A-Za-z]{43}$/),
      },
    ]);
    expect(
      await apply(declaration.clients.length ? { clients: [{ ...machine, client_id: 'client_n' }] } : {}),
    ).toEqual([]);
  });

  it('leaves a plan alone that it does not name', async () => {
    const { organizations } = deployment.durable;
    await apply({ organizations: [{ id: 'org_p', name: 'P', plan: 'professional' }] });
    expect(await apply({ organizations: [{ id: 'org_p', name: 'P', rate_limit: 77 }] })).toEqual([
      'update org_p rate_limit',
    ]);
    expect(await organizations.find('org_p')).toMatchObject({ plan: 'professional', rateLimit: 77 });
    await apply({ organizations: [{ id: 'org_q', name: 'Q' }] });
    expect(await organizations.find('org_q')).toMatchObject({ plan: 'free' });
  });

  it('changes members one by one and says which', async () => {
    await apply({ organizations: [{ id: 'org_c', name: 'C' }], users: [{ email: 'c@c', name: 'C' }] });
    const changes = await apply({
      organizations: [{ id: 'org_c', name: 'C2', plan: 'enterprise' }],
      users: [
        {
          email: 'c@c',
          name: 'C',
          password: 'new password',
          organizations: [{ organization: 'org_c', role: 'admin' }],
        },
      ],
      clients: [{ ...machine, organization: 'org_c', environment: 'test', scope: 'inventory:read' }],
    });
    expect(changes).toEqual([
      'update org_c name plan',
      'update c@c password admin in org_c',
      'update client_m organization environment scope',
    ]);
  });

  it('sets what an organisation may have of its own, and leaves alone what it leaves out', async () => {
    const organization = { id: 'org_own', name: 'Own' };
    const settings = { rate_limit: 9, ip_allowlist: ['10.0.0.0/8'], leaked_key_policy: 'notify' };
    await apply({ organizations: [{ ...organization, ...settings }] });
    const stored = () => deployment.durable.organizations.find('org_own');
    const before = await stored();
    expect(before).toMatchObject({ rateLimit: 9, ipAllowlist: ['10.0.0.0/8'], leakedKeyPolicy: 'notify' });
    expect(await apply({ organizations: [organization] })).toEqual([]);
    expect(await stored()).toEqual(before);
    expect(await apply({ organizations: [{ ...organization, rate_limit: null, ip_allowlist: [] }] })).toEqual(
      ['update org_own rate_limit ip_allowlist'],
    );
    expect(await stored()).toMatchObject({ rateLimit: null, ipAllowlist: [], leakedKeyPolicy: 'notify' });
  });

  it('is refused with client scopes that no resource server will have', async () => {
    const server = { identifier: 'https://scopes.example', name: 'S', scopes: { 'scopes:read': 'Read' } };
    const client = { ...machine, client_id: 'client_scopes' };
    const declare = (scope: string) => ({
      clients: [client, { ...client, client_id: 'client_scopes_2', scope }],
      resource_servers: [server],
    });
    await expect(apply(declare('scopes:read scopes:raed'))).rejects.toMatchObject({
      faults: [
        {
          field: 'clients[1].scope',
          message: expect.stringMatching(
            /^scopes:raed is no scope that a client can ask for\. A client can ask for: openid .*work-orders:read.* scopes:read$/,
          ),
        },
      ],
    });
    expect(await deployment.durable.clients.find('client_scopes')).toBeUndefined();
    expect(await apply(declare('quality:read scopes:read'))).toHaveLength(3);
  });

  it('leaves alone what it does not name', async () => {
    const before = await deployment.durable.clients.list();
    expect(await apply({})).toEqual([]);
    expect(await deployment.durable.clients.list()).toEqual(before);
  });

  it('is finished by the next run when one is cut short', async () => {
    const declaration = {
      organizations: [{ id: 'org_cut', name: 'Cut' }],
      users: [
        {
          id: 'user_cut',
          email: 'cut@x',
          name: 'C',
          organizations: [{ organization: 'org_cut', role: 'owner' }],
        },
      ],
      clients: [{ ...machine, client_id: 'client_cut', client_secret: 'cut-short-secret-1' }],
    };
    // What a crash leaves between the writes of one step: the account without its seat, the client without its secret.
    await deployment.durable.accounts.create({
      id: 'user_cut',
      email: 'cut@x',
      name: 'C',
      passwordDigest: null,
    });
    const [client] = parseDeclaration(declaration).clients;
    if (!client) throw new Error('no client');
    const { metadata } = client;
    await deployment.durable.clients.create({
      id: 'client_cut',
      organizationId: null,
      environment: 'live',
      metadata,
    });
    expect(await apply(declaration)).toEqual([
      'create org_cut',
      'update cut@x owner in org_cut',
      'update client_cut client_secrets',
    ]);
    expect(await apply(declaration)).toEqual([]);
  });
});
