import { timingSafeEqual } from 'node:crypto';
import type { ApiKeyLookup, ApiKeyRecord } from '@latchkey/guard';
import { createAddressList } from '@latchkey/protocol';
import { type ApiKey, type DurableStorage, digestSecret } from '@latchkey/storage';
import { Directory } from './directory/directory.ts';
import { createIntern } from './directory/intern.ts';
import { createRepeatable } from './directory/repeatable.ts';

/** About 100 MB with the map they are in; a process that sees more keys within minutes asks for some again. */
const CAPACITY = 200_000;
/** How long PostgreSQL may be away until keys are not believed any more: one may have been revoked meanwhile. */
const MAX_AGE_MS = 15 * 60_000;

export interface KeyDirectoryDeps {
  durable: Pick<DurableStorage, 'apiKeys' | 'resourceServers'>;
  /** This API as the registry knows it (RFC 8707): its record says whether API keys are accepted. */
  audience: string;
  pepper: Buffer;
  onFailure(error: unknown): void;
  now: () => number;
}

export interface KeyDirectory extends ApiKeyLookup {
  /** The key was changed, made or deleted. */
  outdate(id: string): void;
  /** Reads whether keys are accepted. Rejects when that cannot be read. */
  start(): Promise<void>;
  /** Whether keys are accepted may have changed. */
  rereadAcceptance(): Promise<void>;
  /** Events may have been missed. */
  suspectAll(): void;
  /** Takes in the changes since the last look. */
  reread(): Promise<void>;
}

/** A digest is kept as text of one byte to a character: a buffer would hold on to what the driver read it from. */
interface StoredKey extends ApiKeyRecord {
  readonly digest: string;
}

/** The guard's look-up of API keys over the durable store. */
export function createKeyDirectory(deps: KeyDirectoryDeps): KeyDirectory {
  const { durable, audience, pepper, onFailure, now } = deps;
  const directory = new Directory<ApiKey, StoredKey>({
    load: durable.apiKeys.findMany,
    listChangedSince: durable.apiKeys.listChangedSince,
    toValue: createReader(),
    capacity: CAPACITY,
    maxAgeMs: MAX_AGE_MS,
    onFailure,
    now,
  });
  // An API that the registry does not know, or not any more, has nobody's word that it takes keys.
  let accepted = false;
  const readAcceptance = async () => {
    accepted = (await durable.resourceServers.findByIdentifier(audience))?.acceptsApiKeys ?? false;
  };
  const rereadAcceptance = createRepeatable(readAcceptance, onFailure);
  return {
    accepted: () => accepted,
    find: (id) => directory.find(id),
    verify(record, { secret }) {
      // The guard hands back what `find` gave it.
      const { digest } = record as StoredKey;
      return timingSafeEqual(Buffer.from(digest, 'latin1'), digestSecret(pepper, secret));
    },
    outdate: (id) => directory.outdate(id),
    async start() {
      await readAcceptance();
      // A change that was announced meanwhile was read meanwhile, perhaps before what has just been kept.
      await rereadAcceptance();
    },
    rereadAcceptance,
    suspectAll() {
      directory.suspectAll();
      void rereadAcceptance();
    },
    async reread() {
      await Promise.all([directory.reread(), rereadAcceptance()]);
    },
  };
}

/** Most keys of an organisation share their scopes and addresses, and so do the records. */
function createReader(): (key: ApiKey) => StoredKey {
  const scopesOf = createIntern((scopes) => new Set(scopes) as ReadonlySet<string>);
  const allowlistOf = createIntern(createAddressList);
  return ({ id, organizationId, environment, scopes, digest, ipAllowlist, rateLimit, ...key }) =>
    Object.freeze({
      id,
      organizationId,
      environment,
      scopes: scopesOf(scopes),
      allowlist: ipAllowlist.length === 0 ? undefined : allowlistOf(ipAllowlist),
      requestsPerMinute: rateLimit ?? undefined,
      expiresAt: key.expiresAt?.getTime(),
      revoked: key.revokedAt !== null,
      digest: digest.toString('latin1'),
    });
}
