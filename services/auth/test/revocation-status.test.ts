import { newId } from '@latchkey/protocol';
import { expect, test } from 'vitest';
import { createRevocationStatus, type TokenSubjects } from '../src/provider/revocation-status.ts';
import { useScene } from './support/scene.ts';

const scene = useScene();

test('tokens that are asked about at the same time share the reads, and each is answered for itself', async () => {
  const { records, client, stores } = scene;
  const { grants, revocations } = stores.durable;
  const parties = { accountId: records.account.id, clientId: client.id };
  const expiresAt = new Date(Date.now() + 60_000);
  const ids = Array.from({ length: 20 }, () => newId('grant'));
  for (const id of ids) await grants.put({ id, ...parties, organizationId: null, payload: {}, expiresAt });
  await grants.revoke(ids[7] ?? '');
  const revocation = { subject: 'grant', id: ids[8] ?? '', revokedAt: new Date(), expiresAt } as const;
  await revocations.put(revocation);

  const reads: string[] = [];
  const counted = <T extends object>(store: T): T =>
    new Proxy(store, {
      get(target, property) {
        reads.push(String(property));
        return Reflect.get(target, property);
      },
    });
  const status = createRevocationStatus({ grants: counted(grants), revocations: counted(revocations) });
  const token = (grantId: string): TokenSubjects => ({ grantId, ...parties, issuedAt: 0 });
  const answers = await Promise.all([...ids, newId('grant')].map((id) => status.isRevoked(token(id))));
  expect(answers.flatMap((revoked, index) => (revoked ? [index] : []))).toEqual([7, 8, 20]);
  expect(reads).toHaveLength(2);
});
