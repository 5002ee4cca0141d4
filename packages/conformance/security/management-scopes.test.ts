import { MANAGEMENT_SCOPES, parseScope, ROLES, roleAllows } from '@latchkey/protocol';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { registerClient } from '../harness/clients.ts';
import { obtainTokens } from '../harness/flow.ts';
import { CALLBACK } from '../harness/seed.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const MANAGEMENT = Object.keys(MANAGEMENT_SCOPES);
const NAMED = ['work-orders:read', ...MANAGEMENT];

const deployment = useDeployment({}, (ready) =>
  registerClient(ready, 'client_portal', {
    application_type: 'web',
    redirect_uris: [CALLBACK],
    scope: ['openid', ...NAMED].join(' '),
  }),
);
const client = { client_id: 'client_portal', client_secret: 'client_portal-secret-0123456789abcdef' };

async function scopesOf(role: (typeof ROLES)[number], scope: string | undefined): Promise<Set<string>> {
  const person = deployment.people[role];
  const { accessToken } = await obtainTokens(deployment, { client, person, parameters: { scope } });
  return parseScope(String(decodeJwt(accessToken).scope));
}

describe('a client that may ask for management scopes', () => {
  test.each(ROLES)('gets by name those that the role of the person allows: %s', async (role) => {
    const allowed = NAMED.filter((scope) => roleAllows(role, scope));
    expect(await scopesOf(role, NAMED.join(' '))).toEqual(new Set(allowed));
  });

  test('gets a token to change the organisation from its owner, and never from a viewer', async () => {
    expect(await scopesOf('owner', 'organization:read organization:write')).toContain('organization:write');
    const viewer = await scopesOf('viewer', 'organization:read organization:write');
    expect(viewer).toEqual(new Set(['organization:read']));
  });

  test('gets none of them where it names no scope', async () => {
    const scopes = await scopesOf('owner', undefined);
    expect(scopes).toContain('work-orders:read');
    expect(MANAGEMENT.filter((scope) => scopes.has(scope))).toEqual([]);
  });
});
