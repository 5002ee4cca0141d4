import { expect, test } from 'vitest';
import { createRevocationSet, type Revocation } from '../src/index.ts';
import { CLAIMS, NOW } from './issuer.ts';

const at = (seconds: number) => new Date(seconds * 1000);
const revocation = (subject: Revocation['subject'], id: string, revokedAt = at(NOW)): Revocation => ({
  subject,
  id,
  revokedAt,
  expiresAt: at(NOW + 3600),
});
const claims = (fields: object = {}) => ({ ...CLAIMS, ...fields }) as never;

test.each<[Revocation['subject'], string]>([
  ['token', CLAIMS.jti],
  ['grant', CLAIMS.grant_id],
  ['client', CLAIMS.client_id],
  ['account', CLAIMS.sub],
  ['member', `${CLAIMS.org_id}/${CLAIMS.sub}`],
  ['organization', CLAIMS.org_id],
])('the revocation of a %s reaches its tokens and nobody else’s', (subject, id) => {
  const set = createRevocationSet();
  set.add(revocation(subject, id));
  expect(set.reaches(claims())).toBe(true);
  const others = { jti: 'x', grant_id: 'x', client_id: 'x', sub: 'y', org_id: 'x' };
  expect(set.reaches(claims(others))).toBe(false);
});

test('reaches tokens issued in the second of the revocation or before, and no later ones', () => {
  const set = createRevocationSet();
  set.add(revocation('client', CLAIMS.client_id, new Date(1_000_900)));
  expect([999, 1000, 1001].map((iat) => set.reaches(claims({ iat })))).toEqual([true, true, false]);
});

test('a grant never comes back, whatever the clocks say', () => {
  const set = createRevocationSet();
  set.add(revocation('grant', CLAIMS.grant_id));
  expect(set.reaches(claims({ iat: NOW + 100 }))).toBe(true);
});

test.each([
  [1000, 1005],
  [1005, 1000],
])('keeps the later instant of two, in whichever order they come: %i, %i', (...seconds) => {
  const set = createRevocationSet();
  for (const second of seconds) set.add(revocation('client', CLAIMS.client_id, at(second)));
  expect([1005, 1006].map((iat) => set.reaches(claims({ iat })))).toEqual([true, false]);
  expect(set.size).toBe(1);
});

test('does not take a client for an account of the same name', () => {
  const set = createRevocationSet();
  set.add(revocation('account', CLAIMS.client_id));
  expect(set.reaches(claims({ sub: CLAIMS.client_id }))).toBe(false);
});

test('forgets what has expired, and nothing before', () => {
  const set = createRevocationSet();
  set.add(revocation('token', CLAIMS.jti));
  set.purge((NOW + 3599) * 1000);
  expect(set.size).toBe(1);
  set.purge((NOW + 3600) * 1000);
  expect(set.size).toBe(0);
});
