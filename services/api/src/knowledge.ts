import { createRevocationFollower, type FeedEvent, type RevocationList } from '@latchkey/guard';
import type { Logger } from '@latchkey/service';
import type { DurableStorage, SharedStorage } from '@latchkey/storage';
import type { ApiConfig } from './config.ts';
import { createKeyDirectory, type KeyDirectory } from './key-directory.ts';
import { createOrganizationDirectory, type OrganizationDirectory } from './organization-directory.ts';

/** Each key in use is read again while the store is away, and fails each time. */
const WARN_EVERY_MS = 10_000;

export interface KnowledgeDeps {
  durable: Pick<DurableStorage, 'revocations' | 'apiKeys' | 'organizations' | 'resourceServers'>;
  shared: Pick<SharedStorage, 'feed'>;
  logger: Logger;
  /** The issuer changed its keys, or may have. */
  onSigningKeys(): void;
  /** Epoch milliseconds. */
  now: () => number;
}

/** All that the guard asks on each request, in memory, kept true by one follower of the feed. */
export interface Knowledge {
  revocations: RevocationList;
  apiKeys: KeyDirectory;
  organizations: OrganizationDirectory;
  /** Rejects when the durable store cannot be read. */
  start(): Promise<void>;
  /** What this process itself changed. */
  tell(event: FeedEvent): void;
  /** Makes up for what the feed has not told yet: all is read anew before it counts. Never rejects. */
  catchUp(): Promise<void>;
  stop(): Promise<void>;
}

function createWarning({ logger, now }: KnowledgeDeps, what: string): (error: unknown) => void {
  let quietUntil = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (now() < quietUntil) return;
    quietUntil = now() + WARN_EVERY_MS;
    logger.warn({ err: error }, `${what} not read, trying again`);
  };
}

export function createKnowledge(config: ApiConfig, deps: KnowledgeDeps): Knowledge {
  const { durable, now } = deps;
  const warn = (what: string) => createWarning(deps, what);
  const { audience, pepper } = config;
  const apiKeys = createKeyDirectory({ durable, audience, pepper, onFailure: warn('API keys'), now });
  const organizations = createOrganizationDirectory({ durable, onFailure: warn('organisations'), now });
  const onEvent = ({ type, id }: Extract<FeedEvent, { id: string }>) => {
    if (type === 'api_key') apiKeys.outdate(id);
    else if (type === 'organization') organizations.outdate(id);
    else if (type === 'resource_server') void apiKeys.rereadAcceptance();
  };
  const suspectAll = () => {
    apiKeys.suspectAll();
    organizations.suspectAll();
  };
  const warnOfRevocations = warn('revocations');
  const follower = createRevocationFollower({
    feed: deps.shared.feed,
    record: durable.revocations,
    onWarning: warnOfRevocations,
    onSigningKeys: deps.onSigningKeys,
    onEvent,
    onGap: suspectAll,
    onReread() {
      void apiKeys.reread();
      void organizations.reread();
    },
    now,
  });
  return {
    revocations: follower,
    apiKeys,
    organizations,
    async start() {
      // Followed first: what is announced while the rest is read would otherwise be missed.
      await follower.start();
      await Promise.all([apiKeys.start(), organizations.start()]);
    },
    tell: follower.tell,
    async catchUp() {
      suspectAll();
      await follower.reread().catch(warnOfRevocations);
    },
    stop: follower.stop,
  };
}
