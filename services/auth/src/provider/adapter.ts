import {
  ARTIFACT_KINDS,
  type ArtifactKind,
  type DurableStorage,
  type SharedStorage,
} from '@latchkey/storage';
import { type Adapter, type AdapterFactory, type AdapterPayload, errors } from 'oidc-provider';
import { toLibraryMetadata } from './clients.ts';
import type { Directory } from './directory.ts';
import { createGrantAdapter } from './grant-adapter.ts';
import type { Authority } from './grants.ts';
import { createRefreshTokenAdapter } from './refresh-token-adapter.ts';
import { mayBeStored, refuseAll, toPayload } from './stored-model.ts';

export interface AdapterDeps {
  durable: Pick<DurableStorage, 'grants' | 'refreshTokens'>;
  shared: Pick<SharedStorage, 'artifacts'>;
  directory: Directory;
  authority: Authority;
  now: () => Date;
}

/** Maps the library's models to our stores: what must survive anything is durable, the rest lives minutes. */
export function createAdapterFactory(deps: AdapterDeps): AdapterFactory {
  return (model) => {
    if (model === 'Client') return createClientAdapter(deps.directory);
    if (model === 'Grant') return createGrantAdapter(deps);
    if (model === 'RefreshToken') return createRefreshTokenAdapter(deps);
    const kind = ARTIFACT_KINDS.find((name) => name === model);
    return kind ? createArtifactAdapter(kind, deps.shared.artifacts) : refuseAll(model);
  };
}

function createClientAdapter(directory: Directory): Adapter {
  return {
    ...refuseAll('Client'),
    async find(id) {
      const client = await directory.findClient(id);
      return client && toLibraryMetadata(client);
    },
  };
}

function createArtifactAdapter(kind: ArtifactKind, artifacts: SharedStorage['artifacts']): Adapter {
  return {
    async upsert(value, payload, ttl = 1) {
      const { grantId, uid, userCode } = payload;
      await artifacts.put(kind, value, toStored(value, payload), Math.max(1, ttl), {
        grantId,
        uid,
        userCode,
      });
    },
    async find(value) {
      if (!mayBeStored(value)) return undefined;
      const artifact = await artifacts.find(kind, value);
      return artifact && withReturnTo(value, toPayload(value, artifact.payload, artifact.consumedAt));
    },
    async findByUid(uid) {
      const artifact = await artifacts.findByUid(kind, uid);
      return artifact?.payload;
    },
    async findByUserCode(userCode) {
      const artifact = await artifacts.findByUserCode(kind, userCode);
      return artifact?.payload;
    },
    async consume(value) {
      if (await artifacts.consume(kind, value)) return;
      if (kind === 'PushedAuthorizationRequest') throw new errors.InvalidRequestUri();
      throw new errors.InvalidGrant({ detail: `${kind} was consumed by another request` });
    },
    destroy: (value) => artifacts.delete(kind, value),
    // What belongs to a grant is asked for its grant each time it is used: with the grant it is dead, and it
    // expires within the hour. A consumed code in particular must stay, so that its next replay is known for one.
    async revokeByGrantId() {},
  };
}

/**
 * Without any bearer value: the record's own (`jti`), where an interaction's return address repeats it, and the
 * browser session's id, which the library puts into an interaction and never reads.
 */
function toStored(value: string, payload: AdapterPayload): Record<string, unknown> {
  const { jti: _jti, consumed: _consumed, returnTo, session, ...rest } = payload;
  const { cookie: _cookie, ...boundSession } = session ?? {};
  return {
    ...rest,
    ...(returnTo !== undefined && { returnTo: returnTo.replace(value, RETURN_TO_PLACEHOLDER) }),
    ...(session && { session: boundSession }),
  };
}

const RETURN_TO_PLACEHOLDER = '{uid}';

function withReturnTo(value: string, payload: AdapterPayload): AdapterPayload {
  const { returnTo } = payload;
  return returnTo === undefined
    ? payload
    : { ...payload, returnTo: returnTo.replace(RETURN_TO_PLACEHOLDER, value) };
}
