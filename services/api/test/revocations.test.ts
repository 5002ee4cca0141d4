import type { Revocation } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi, type TestApi } from './harness.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const nowSeconds = () => Math.floor(Date.now() / 1000);
const revocation = (subject: Revocation['subject'], id: string, revokedAt = new Date()): Revocation => ({
  subject,
  id,
  revokedAt,
  expiresAt: new Date(Date.now() + 3_600_000),
});

describe('a token that worked is refused after one event of the feed, without a restart', () => {
  const grown = { sub: 'user_r', client_id: 'client_r', grant_id: 'grant_r', jti: 'jti_r' };
  test.each<[Revocation['subject'], (organization: string) => string]>([
    ['token', () => 'jti_r'],
    ['grant', () => 'grant_r'],
    ['client', () => 'client_r'],
    ['account', () => 'user_r'],
    ['member', (organization) => `${organization}/user_r`],
    ['organization', (organization) => organization],
  ])('%s', async (subject, id) => {
    const { organizationId } = await api.tenant();
    const prefix = { ...grown, org_id: organizationId, env: 'live' };
    const unique = Object.fromEntries(
      Object.entries(prefix).map(([name, value]) => [
        name,
        /_r$/.test(value) ? `${value}_${subject}` : value,
      ]),
    );
    const token = await api.issuer.sign(unique);
    expect((await api.call('GET', '/api/v2/work-orders', { token })).status).toBe(200);
    const named = id(organizationId).replace(/_r$/, `_r_${subject}`);
    await api.shared.feed.publish({ type: 'revocation', revocation: revocation(subject, named) });
    const { status, body } = await api.call('GET', '/api/v2/work-orders', { token });
    expect([status, body.error]).toEqual([401, 'invalid_token']);
    expect(body.error_description).toBe('The access token has been revoked');
    const later = await api.issuer.sign({ ...unique, jti: 'later', iat: nowSeconds() + 3 });
    // A grant never comes back, whatever the clocks say; the others may be enabled again.
    const expected = subject === 'grant' ? 401 : 200;
    expect((await api.call('GET', '/api/v2/work-orders', { token: later })).status).toBe(expected);
  });
});
