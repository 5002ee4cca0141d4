import { randomBytes } from 'node:crypto';
import {
  type Actor,
  type ApiKeyInput,
  createApiKey,
  createOperator,
  InvalidInputError,
  type IssuedApiKey,
  type Operator,
  type Origin,
} from '@latchkey/registry';
import { type AuditEvent, type DurableStorage, type FeedEvent, openPglite } from '@latchkey/storage';

export interface Announcement {
  event: FeedEvent;
  /** The record as a process reads it that hears of the event: as it was stored at that moment. */
  seen: unknown;
  /** How many audit events there were. */
  audited: number;
}

export interface Registry {
  operator: Operator;
  durable: DurableStorage;
  pepper: Buffer;
  /** What was announced since it was last asked. */
  takeAnnounced(): Announcement[];
  /** The audit log since it was last asked, oldest first. */
  takeAudited(): Promise<AuditEvent[]>;
  /** Moves the clock. */
  pass(seconds: number): void;
  close(): Promise<void>;
}

export const START = new Date('2030-01-01T00:00:00Z');
export const ACTOR: Actor = { type: 'account', id: 'user_ada' };
export const ORIGIN: Origin = { ip: '192.0.2.7', requestId: 'req_1' };

/** The registry on an embedded database, at a clock that stands still, with the organisations `org_a` and `org_b`. */
export async function createRegistry(): Promise<Registry> {
  let instant = START.getTime();
  const now = () => new Date(instant);
  const durable = await openPglite({ now });
  await durable.migrate();
  for (const id of ['org_a', 'org_b']) await durable.organizations.create({ id, name: id, plan: 'free' });
  const announced: Announcement[] = [];
  const auditLog = async () => (await durable.auditEvents.list({ limit: 1000 })).toReversed();
  const publish = async (event: FeedEvent) => {
    const seen = await read(durable, event);
    announced.push({ event, seen, audited: (await auditLog()).length });
  };
  let audited = 0;
  return {
    operator: createOperator({ durable, feed: { publish }, actor: ACTOR, origin: ORIGIN, now }),
    durable,
    pepper: randomBytes(32),
    takeAnnounced: () => announced.splice(0),
    async takeAudited() {
      const events = (await auditLog()).slice(audited);
      audited += events.length;
      return events;
    },
    pass(seconds) {
      instant += seconds * 1000;
    },
    close: () => durable.close(),
  };
}

function read(durable: DurableStorage, event: FeedEvent): Promise<unknown> {
  if (event.type === 'api_key') return durable.apiKeys.find(event.id);
  if (event.type === 'organization') return durable.organizations.find(event.id);
  if (event.type === 'client') return durable.clients.find(event.id);
  return Promise.resolve(undefined);
}

/** What an operation answers when it refuses. */
export async function refusalOf(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => 'no refusal',
    (error: unknown) => error,
  );
}

/** Where the faults are that an operation refuses for. */
export async function faultsOf(attempt: Promise<unknown>): Promise<string[]> {
  const error = await refusalOf(attempt);
  if (!(error instanceof InvalidInputError)) throw error;
  return error.faults.map(({ field }) => field);
}

export const SETTINGS = {
  organizationId: 'org_a',
  environment: 'live',
  name: 'Line 3',
  scopes: ['work-orders:read'],
  ipAllowlist: [],
  rateLimit: null,
  expiresAt: null,
} satisfies ApiKeyInput;

export function makeApiKey(
  { operator, pepper }: Registry,
  more: Partial<ApiKeyInput> = {},
): Promise<IssuedApiKey> {
  return createApiKey(operator, pepper, { ...SETTINGS, ...more });
}

/** An instant from now, by the clock of the registry. */
export function inSeconds({ operator }: Registry, seconds: number): Date {
  return new Date(operator.now().getTime() + seconds * 1000);
}
