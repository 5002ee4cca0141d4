import type {
  ApiKey,
  AuditEvent,
  DurableRecords,
  FeedEvent,
  NewAuditEvent,
  RevocationFeed,
} from '@latchkey/storage';

/** Whoever changes a record, and so may have made an API key. */
export type Actor = ApiKey['createdBy'];

/** From where: both null for what no request asked for. */
export type Origin = Pick<AuditEvent, 'ip' | 'requestId'>;

/** Who changes the registry, from where, in which stores. */
export interface Operator {
  durable: DurableRecords;
  /**
   * Tells running processes of a change that is durable already. Never rejects: when the feed is away the change
   * stands, and processes read it from the database once they can.
   */
  announce(event: FeedEvent): Promise<void>;
  actor: Actor;
  origin: Origin;
  now(): Date;
}

interface Stores {
  durable: DurableRecords;
  feed: Pick<RevocationFeed, 'publish'>;
  /** Called once for each announcement that did not get through. */
  onMissed?: (cause: unknown) => void;
  origin?: Origin;
  now?: () => Date;
}

/** By `name` for the operator's own programs, as the audit log shows them: "cli", "standalone". */
export type OperatorOptions = Stores & ({ name: string; actor?: never } | { actor: Actor; name?: never });

const NOWHERE: Origin = { ip: null, requestId: null };

export function createOperator(options: OperatorOptions): Operator {
  const { durable, feed, onMissed = () => {}, origin = NOWHERE, now = () => new Date() } = options;
  return {
    durable,
    announce: (event) => feed.publish(event).catch(onMissed),
    actor: options.actor ?? { type: 'operator', id: options.name },
    origin,
    now,
  };
}

/**
 * One transaction: a change and what the audit log says of it both stand, or neither does. What is announced in it is
 * announced once it stands, since processes that hear of a change read it at once.
 */
export async function inTransaction<T>(
  operator: Operator,
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  const events: FeedEvent[] = [];
  const announce = async (event: FeedEvent) => void events.push(event);
  const result = await operator.durable.transaction((durable) => work({ ...operator, durable, announce }));
  for (const event of events) await operator.announce(event);
  return result;
}

/** Writes what was done to the audit log. */
export function recordChange(
  { durable, actor, origin }: Operator,
  action: string,
  target: AuditEvent['target'],
  more: Pick<NewAuditEvent, 'organizationId' | 'details'> = {},
): Promise<void> {
  const { ip, requestId } = origin;
  return durable.auditEvents.append({ action, result: 'success', actor, target, ip, requestId, ...more });
}
