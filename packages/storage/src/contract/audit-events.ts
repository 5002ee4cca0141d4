import { newId } from '@latchkey/protocol';
import { describe, expect, test } from 'vitest';
import type { AuditEventFilter, NewAuditEvent } from '../audit-events.ts';
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

    test('what is newest is told by the instant', async () => {
      const { storage, clock } = fixture();
      const organizationId = newId('organization');
      for (const [action, seconds] of [
        ['first', 10],
        ['third', 20],
        ['second', -5],
      ] as const) {
        clock.advance(seconds);
        await storage.auditEvents.append(newEvent(organizationId, action));
      }
      const [newest, ...rest] = await storage.auditEvents.list({ organizationId, limit: 10 });
      expect(newest?.action).toBe('third');
      expect(rest.map(({ action }) => action)).toEqual(['second', 'first']);
      const older = await storage.auditEvents.list({ organizationId, before: rest[0]?.id, limit: 10 });
      expect(older).toEqual(rest.slice(1));
      clock.advance(60);
    });

    test('the record outlives the organisation it is about', async () => {
      const { storage, organization } = fixture();
      const { id } = await organization();
      await storage.auditEvents.append(newEvent(id, 'organization.deleted'));
      await storage.organizations.delete(id);
      expect(await storage.auditEvents.list({ organizationId: id, limit: 10 })).toHaveLength(1);
    });
  });
  testFilters(fixture, newEvent);
}

function testFilters(
  fixture: () => DurableFixture,
  newEvent: (organizationId: string, action: string) => NewAuditEvent,
): void {
  const seeded = async () => {
    const { storage, clock } = fixture();
    const organizationId = newId('organization');
    const start = clock.now();
    const events = {
      a: { actor: { type: 'account', id: 'user_1' }, target: { type: 'api_key', id: 'key_1' } },
      b: { actor: { type: 'client', id: 'client_1' }, target: { type: 'api_key', id: 'key_2' } },
      c: { actor: { type: 'account', id: 'user_1' }, result: 'failure' },
      d: { actor: { type: 'api_key', id: 'key_1' }, target: { type: 'api_key', id: 'key_1' } },
    } satisfies Record<string, Partial<NewAuditEvent>>;
    for (const [action, fields] of Object.entries(events)) {
      await storage.auditEvents.append({ ...newEvent(organizationId, action), ...fields });
      await storage.auditEvents.append({ ...newEvent(newId('organization'), action), ...fields });
      clock.advance(60);
    }
    const minute = (count: number) => new Date(start.getTime() + count * 60_000);
    const list = async (filter: Partial<AuditEventFilter>) => {
      const listed = await storage.auditEvents.list({ organizationId, limit: 10, ...filter });
      return listed.map(({ action }) => action).join('');
    };
    return { storage, organizationId, minute, list };
  };

  describe('filters of audit events', () => {
    test('by actor, target, action and result, alone and together', async () => {
      const { list } = await seeded();
      expect(await list({})).toBe('dcba');
      expect(await list({ actorId: 'user_1' })).toBe('ca');
      expect(await list({ targetId: 'key_1' })).toBe('da');
      expect(await list({ action: 'b' })).toBe('b');
      expect(await list({ result: 'failure' })).toBe('c');
      expect(await list({ actorId: 'user_1', targetId: 'key_1' })).toBe('a');
      expect(await list({ actorId: 'user_1', result: 'success', action: 'c' })).toBe('');
    });

    test('from one instant on and before another, alone and together', async () => {
      const { list, minute } = await seeded();
      expect(await list({ from: minute(1) })).toBe('dcb');
      expect(await list({ to: minute(2) })).toBe('ba');
      expect(await list({ from: minute(1), to: minute(3) })).toBe('cb');
      expect(await list({ from: minute(2), to: minute(2) })).toBe('');
      expect(await list({ to: minute(3), actorId: 'user_1' })).toBe('ca');
    });

    test('a page is continued under the same filter', async () => {
      const { storage, organizationId, list, minute } = await seeded();
      const filter = { organizationId, targetId: 'key_1', from: minute(0) };
      const [last] = await storage.auditEvents.list({ ...filter, limit: 1 });
      expect(last?.action).toBe('d');
      expect(await list({ ...filter, before: last?.id })).toBe('a');
    });

    test('what cannot be stored never happened', async () => {
      const { list } = await seeded();
      for (const odd of ['user_1\0', '\ud800']) {
        expect(await list({ actorId: odd })).toBe('');
        expect(await list({ targetId: odd })).toBe('');
        expect(await list({ action: odd })).toBe('');
        expect(await list({ before: odd })).toBe('');
        expect(await list({ organizationId: odd })).toBe('');
      }
    });
  });
}
