import { newId } from '@latchkey/protocol';
import type { AuditEvent, AuditEvents } from '../audit-events.ts';
import type { PostgresContext } from './database.ts';

const COLUMNS = [
  'id',
  'at',
  'action',
  'result',
  'actorType',
  'actorId',
  'targetType',
  'targetId',
  'organizationId',
  'ip',
  'requestId',
  'details',
] as const;

export function createPostgresAuditEvents({ db, now }: PostgresContext): AuditEvents {
  return {
    async append({ actor, target, details, ...event }) {
      await db
        .insertInto('auditEvents')
        .values({
          ...event,
          id: newId('auditEvent'),
          at: now(),
          actorType: actor.type,
          actorId: actor.id,
          targetType: target?.type ?? null,
          targetId: target?.id ?? null,
          details: JSON.stringify(details ?? {}),
        })
        .execute();
    },
    async list({ organizationId, action, before, limit }) {
      let query = db.selectFrom('auditEvents').select(COLUMNS).orderBy('position', 'desc').limit(limit);
      if (organizationId !== undefined) query = query.where('organizationId', '=', organizationId);
      if (action !== undefined) query = query.where('action', '=', action);
      if (before !== undefined) {
        query = query.where('position', '<', (eb) =>
          eb.selectFrom('auditEvents as newer').select('newer.position').where('newer.id', '=', before),
        );
      }
      return (await query.execute()).map(toEvent);
    },
  };
}

interface AuditEventRow extends Omit<AuditEvent, 'actor' | 'target'> {
  actorType: AuditEvent['actor']['type'];
  actorId: string | null;
  targetType: string | null;
  targetId: string | null;
}

function toEvent({ actorType, actorId, targetType, targetId, ...event }: AuditEventRow): AuditEvent {
  return {
    ...event,
    actor: { type: actorType, id: actorId },
    target: targetType !== null && targetId !== null ? { type: targetType, id: targetId } : null,
  };
}
