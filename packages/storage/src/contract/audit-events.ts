import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import type { NewAuditEvent } from '../audit-events.ts';
import type { DurableFixture } from './durable.ts';

export function testAuditEvents(fixture: () => DurableFixture): void {
  const newEvent = (organizationId: string, action: string): NewAuditEvent => ({
    action,
    result: 'success',
    actor: { type: 'operator', id: 'cli' },
    organizationId,
  });

  describe('audit events', () => {
    test('one is kept with all that it tells', async () => {
      const { storage, clock } = fixture();
      const event: NewAuditEvent = {
        action: 'client.secret_created',
        result: 'failure',
        actor: { type: 'account', id: newId('account') },
        target: { type: 'client', id: newId('client') },
        organizationId: newId('organization'),
        ip: '192.0.2.1',
        requestId: 'req-1',
        details: { reason: 'why', nested: { snake_case: [1] } },
      };
      await storage.auditEvents.append(event);
      const [kept] = await storage.auditEvents.list({ limit: 1 });
      expect(kept).toEqual({ ...event, id: expect.stringMatching(/^evt_/), at: clock.now() });
    });

    test('what is not told is null, and details are empty', async () => {
      const { storage } = fixture();
      await storage.auditEvents.append({
        action: 'x',
        result: 'success',
        actor: { type: 'system', id: null },
      });
      const [kept] = await storage.auditEvents.list({ limit: 1 });
      const empty = { target: null, organizationId: null, ip: null, requestId: null, details: {} };
      expect(kept).toMatchObject(empty);
      expect(kept?.actor).toEqual({ type: 'system', id: null });
    });

    test('the list is newest first, page after page, without gap or repeat', async () => {
      const { storage } = fixture();
      const organizationId = newId('organization');
      const actions = ['a', 'b', 'c', 'd', 'e'];
      for (const action of actions) await storage.auditEvents.append(newEvent(organizationId, action));
      const first = await storage.auditEvents.list({ organizationId, limit: 2 });
      const before = first.at(-1)?.id ?? '';
      const rest = await storage.auditEvents.list({ organizationId, before, limit: 10 });
      expect([...first, ...rest].map(({ action }) => action)).toEqual(actions.toReversed());
    });

    test('the list is by organisation and action', async () => {
      const { storage } = fixture();
      const [mine, other] = [newId('organization'), newId('organization')];
      await storage.auditEvents.append(newEvent(mine, 'a'));
      await storage.auditEvents.append(newEvent(mine, 'b'));
      await storage.auditEvents.append(newEvent(other, 'a'));
      const listed = await storage.auditEvents.list({ organizationId: mine, action: 'a', limit: 10 });
      expect(listed.map(({ organizationId, action }) => [organizationId, action])).toEqual([[mine, 'a']]);
    });

    test('the record outlives the organisation it is about', async () => {
      const { storage, organization } = fixture();
      const { id } = await organization();
      await storage.auditEvents.append(newEvent(id, 'organization.deleted'));
      await storage.organizations.delete(id);
      expect(await storage.auditEvents.list({ organizationId: id, limit: 10 })).toHaveLength(1);
    });
  });
}
