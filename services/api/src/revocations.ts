import { setTimeout as wait } from 'node:timers/promises';
import type { RevocationList } from '@latchkey/guard';
import type { AccessTokenClaims } from '@latchkey/protocol';
import type { Logger } from '@latchkey/service';
import {
  type DurableStorage,
  REVOCATION_SUBJECTS,
  type Revocation,
  type RevocationSubject,
  type SharedStorage,
} from '@latchkey/storage';

export interface RevocationFollower extends RevocationList {
  /** Loads what is recorded and follows what is published. Throws when the durable record cannot be read. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface FollowerDeps {
  durable: Pick<DurableStorage, 'revocations'>;
  shared: Pick<SharedStorage, 'feed'>;
  logger: Logger;
  /** The issuer changed its keys. */
  onSigningKeys: () => void;
  now?: () => Date;
}

const RELOAD_RETRY_MS = 1_000;
const PURGE_EVERY_MS = 60_000;
/** Bounds what a publication that failed costs: its revocation is recorded, and nobody was told. */
const REREAD_EVERY_MS = 10_000;

/** Every revocation that still matters, in memory. Entries only ever come in, and leave when they expire. */
export function createRevocationFollower(deps: FollowerDeps): RevocationFollower {
  const { durable, shared, logger, now = () => new Date() } = deps;
  const known = createRevocationSet();
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;
  let following: { close(): Promise<void> } | undefined;

  const load = async () => {
    for (const revocation of await durable.revocations.list()) known.add(revocation);
  };
  const reload = createReload(load, { logger, wanted: () => !stopped });
  return {
    isRevoked: known.reaches,
    async start() {
      // Followed first: what is published while the record is read would otherwise be missed.
      following = await shared.feed.follow({
        onEvent(event) {
          if (event.type === 'revocation') known.add(event.revocation);
          if (event.type === 'signing_keys') deps.onSigningKeys();
        },
        onGap() {
          deps.onSigningKeys();
          void reload();
        },
      });
      await load();
      timers.add(setInterval(() => known.purge(now()), PURGE_EVERY_MS).unref());
      timers.add(setInterval(() => void reload(), REREAD_EVERY_MS).unref());
    },
    async stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      await following?.close();
    },
  };
}

/** Reads until it succeeds, one reading at a time; asked for during a reading, it reads once more after it. */
function createReload(
  load: () => Promise<void>,
  { logger, wanted }: { logger: Logger; wanted: () => boolean },
): () => Promise<void> {
  let loading: Promise<void> | undefined;
  let due = false;
  const persist = async (): Promise<void> => {
    while (due && wanted()) {
      due = false;
      try {
        await load();
      } catch (error) {
        logger.warn({ err: error }, 'revocations not read, trying again');
        due = true;
        await wait(RELOAD_RETRY_MS, undefined, { ref: false });
      }
    }
  };
  return () => {
    due = true;
    loading ??= persist().finally(() => {
      loading = undefined;
    });
    return loading;
  };
}

interface Entry {
  /** Tokens issued in this second or before are dead. */
  revokedAtSeconds: number;
  expiresAtMs: number;
}

export interface RevocationSet {
  add(revocation: Revocation): void;
  reaches(claims: AccessTokenClaims): boolean;
  purge(now: Date): void;
  readonly size: number;
}

export function createRevocationSet(): RevocationSet {
  const bySubject = new Map<RevocationSubject, Map<string, Entry>>(
    REVOCATION_SUBJECTS.map((subject) => [subject, new Map()]),
  );
  /** A token or a grant never comes back; the others may be enabled again, and then issue anew. */
  const ended = (subject: 'token' | 'grant', id: string | undefined): boolean =>
    id !== undefined && bySubject.get(subject)?.has(id) === true;
  const hits = (subject: RevocationSubject, id: string | undefined, issuedAt: number): boolean => {
    const entries = bySubject.get(subject);
    if (id === undefined || entries === undefined || entries.size === 0) return false;
    const entry = entries.get(id);
    return entry !== undefined && issuedAt <= entry.revokedAtSeconds;
  };
  return {
    add({ subject, id, revokedAt, expiresAt }) {
      const entries = bySubject.get(subject);
      const before = entries?.get(id);
      entries?.set(id, {
        revokedAtSeconds: Math.max(before?.revokedAtSeconds ?? 0, Math.floor(revokedAt.getTime() / 1000)),
        expiresAtMs: Math.max(before?.expiresAtMs ?? 0, expiresAt.getTime()),
      });
    },
    reaches(claims) {
      const { iat, org_id: organization } = claims;
      const account = claims.sub === claims.client_id ? undefined : claims.sub;
      return (
        ended('token', claims.jti) ||
        ended('grant', claims.grant_id) ||
        hits('client', claims.client_id, iat) ||
        hits('account', account, iat) ||
        hits('organization', organization, iat) ||
        (bySubject.get('member')?.size !== 0 && hits('member', `${organization}/${account}`, iat))
      );
    },
    purge(now) {
      for (const entries of bySubject.values()) {
        for (const [id, entry] of entries) if (entry.expiresAtMs <= now.getTime()) entries.delete(id);
      }
    },
    get size() {
      return [...bySubject.values()].reduce((sum, entries) => sum + entries.size, 0);
    },
  };
}
