import { newId } from '@latchkey/protocol';
import { type Kysely, sql } from 'kysely';
import type { AuditEvent, AuditEventFilter, AuditEvents } from '../audit-events.ts';
import type { Database, PostgresContext } from './database.ts';
import { isStorable } from './text.ts';

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
    list: (filter) => list(db, filter),
  };
}

const NAMED = ['organizationId', 'action', 'result', 'actorId', 'targetId'] as const;

async function list(db: Kysely<Database>, filter: AuditEventFilter): Promise<AuditEvent[]> {
  const { from, to, before, limit } = filter;
  let events = db
    .selectFrom('auditEvents')
    .select(COLUMNS)
    .orderBy('at', 'desc')
    .orderBy('position', 'desc')
    .limit(limit);
  for (const column of NAMED) {
    const value = filter[column];
    if (value === undefined) continue;
    if (!isStorable(value)) return [];
    events = events.where(column, '=', value);
  }
  if (from !== undefined) events = events.where('at', '>=', from);
  if (to !== undefined) events = events.where('at', '<', to);
  if (before !== undefined) {
    if (!isStorable(before)) return [];
    events = events.where(sql<boolean>`(at, position) < (
      (select at from audit_events where id = ${before}), (select position from audit_events where id = ${before}))`);
  }
  return (await events.execute()).map(toEvent);
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
