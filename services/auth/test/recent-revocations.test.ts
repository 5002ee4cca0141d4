import type { RevocationSubject } from '@latchkey/storage';
import { expect, test } from 'vitest';
import { createRecentRevocations } from '../src/provider/recent-revocations.ts';

const now = () => new Date();
const seconds = () => Math.floor(Date.now() / 1000);
const SUBJECTS = { clientId: 'client_1', accountId: 'user_1', organizationId: 'org_1' };

function revoke(
  recent: ReturnType<typeof createRecentRevocations>,
  subject: RevocationSubject,
  id: string,
  ms = 0,
) {
  const revokedAt = new Date(Date.now() + ms);
  recent.onEvent({ type: 'revocation', revocation: { subject, id, revokedAt, expiresAt: revokedAt } });
  return Math.floor(revokedAt.getTime() / 1000);
}

test.each([
  ['client', 'client_1'],
  ['account', 'user_1'],
  ['member', 'org_1/user_1'],
  ['organization', 'org_1'],
] as const)(
  'what is issued after a revocation of the %s is issued in a later second',
  async (subject, id) => {
    const recent = createRecentRevocations(now);
    const dead = revoke(recent, subject, id);
    await recent.waitOut(SUBJECTS);
    expect(seconds()).toBeGreaterThan(dead);
  },
);

test('nobody waits for others, for what never comes back, or for a clock that is far off', async () => {
  const recent = createRecentRevocations(now);
  revoke(recent, 'client', 'client_2', 5_000);
  revoke(recent, 'grant', 'client_1', 5_000);
  revoke(recent, 'client', 'client_1', 3_600_000);
  const began = Date.now();
  await recent.waitOut(SUBJECTS);
  expect(Date.now() - began).toBeLessThan(1_000);
});

test('who is revoked once more while waiting gets nothing', async () => {
  const recent = createRecentRevocations(now);
  revoke(recent, 'client', 'client_1');
  const waiting = recent.waitOut(SUBJECTS);
  revoke(recent, 'account', 'user_1', 1);
  await expect(waiting).rejects.toMatchObject({ error: 'invalid_grant' });
});
