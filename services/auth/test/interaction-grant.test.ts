import Provider from 'oidc-provider';
import { describe, expect, it } from 'vitest';
import { mergeConsent } from '../src/interaction/consent-record.ts';
import { createGrant } from '../src/interaction/grant.ts';

const provider = new Provider('https://auth.example.com', {
  features: { devInteractions: { enabled: false } },
});
const owner = { accountId: 'user_ada', clientId: 'client_app' };
const api = 'https://api.example.com';
const viewer = { organizationId: 'org_a', role: 'viewer' } as const;
const admin = { organizationId: 'org_a', role: 'admin' } as const;
const requested = {
  oidcScopes: ['openid', 'email'],
  resources: { [api]: ['work-orders:read', 'work-orders:write'] },
};

describe('a grant', () => {
  it('holds what was asked for and its organisation', () => {
    const grant = createGrant(provider, owner, requested, admin);
    expect(grant).toMatchObject({ ...owner, organizationId: 'org_a' });
    expect(grant.getOIDCScope()).toBe('openid email');
    expect(grant.getResourceScope(api)).toBe('work-orders:read work-orders:write');
  });

  it('never holds a scope that the role lacks, and has it on record as rejected', () => {
    const grant = createGrant(provider, owner, requested, viewer);
    expect(grant.getResourceScope(api)).toBe('work-orders:read');
    expect(grant.getRejectedResourceScope(api)).toBe('work-orders:write');
  });

  it('of an account without a seat holds no resource scope', () => {
    const grant = createGrant(provider, owner, requested, undefined);
    expect(grant.organizationId).toBeNull();
    expect(grant.getResourceScope(api)).toBe('');
    expect(grant.getOIDCScope()).toBe('openid email');
  });
});

describe('the record of a consent', () => {
  const record = (scopes: string[], seat: Parameters<typeof createGrant>[3], oidcScopes = ['openid']) =>
    createGrant(provider, owner, { oidcScopes, resources: { [api]: scopes } }, seat);

  it('keeps what was agreed to before when less is asked for', () => {
    const first = mergeConsent(
      undefined,
      record(['work-orders:read', 'quality:read'], admin, ['openid', 'email']),
    );
    expect(mergeConsent(first, record(['work-orders:read'], admin))).toMatchObject({
      openid: { scope: 'openid email' },
      resources: { [api]: 'quality:read work-orders:read' },
    });
  });

  it('drops a scope that the role no longer allows', () => {
    const first = mergeConsent(undefined, record(['work-orders:write'], admin));
    expect(mergeConsent(first, record(['work-orders:write'], viewer))).toMatchObject({
      resources: {},
      rejected: { resources: { [api]: 'work-orders:write' } },
    });
  });

  it('drops a rejection that the role no longer calls for', () => {
    const first = mergeConsent(undefined, record(['work-orders:write'], viewer));
    expect(mergeConsent(first, record(['work-orders:write'], admin))).toMatchObject({
      resources: { [api]: 'work-orders:write' },
      rejected: { resources: {} },
    });
  });
});
