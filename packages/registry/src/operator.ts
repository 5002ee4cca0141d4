import type { AuditEvent, DurableStorage, FeedEvent, NewAuditEvent, RevocationFeed } from '@latchkey/storage';

/** Who changes the registry, in which stores. */
export interface Operator {
  durable: DurableStorage;
  /**
   * Tells running processes of a change that is durable already. Never rejects: when the feed is away the change
   * stands, and processes read it from the database once they can.
   */
  announce(event: FeedEvent): Promise<void>;
  actor: AuditEvent['actor'];
  now(): Date;
}

export interface OperatorOptions {
  durable: DurableStorage;
  feed: Pick<RevocationFeed, 'publish'>;
  /** Called once for each announcement that did not get through. */
  onMissed?: (cause: unknown) => void;
  /** Stands in the audit log: "cli", "standalone". */
  name: string;
  now?: () => Date;
}

export function createOperator({
  durable,
  feed,
  onMissed = () => {},
  name,
  now = () => new Date(),
}: OperatorOptions): Operator {
  return {
    durable,
    announce: (event) => feed.publish(event).catch(onMissed),
    actor: { type: 'operator', id: name },
    now,
  };
}

/** Writes what was done to the audit log. */
export function recordChange(
  { durable, actor }: Operator,
  action: string,
  target: { type: string; id: string },
  more: Pick<NewAuditEvent, 'organizationId' | 'details'> = {},
): Promise<void> {
  return durable.auditEvents.append({ action, result: 'success', actor, target, ...more });
}
