import type { Artifact, ArtifactKind, Artifacts } from '../artifacts.ts';
import { digestBearer } from '../digest.ts';
import { createExpiringMap } from './expiring.ts';

interface StoredArtifact {
  /** Text, so that what a caller does to an object it put or found changes nothing here. */
  payload: string;
  consumedAt: Date | null;
}

export function createMemoryArtifacts(now: () => Date): { artifacts: Artifacts; close(): void } {
  const stored = createExpiringMap<StoredArtifact>(now);
  /** From a uid or user code to the key of its artifact. */
  const indexes = createExpiringMap<string>(now);
  const grants = createGrantIndex(now, (key) => stored.get(key) !== undefined);

  const find = (key: string): Artifact | undefined => {
    const artifact = stored.get(key);
    return artifact && { payload: JSON.parse(artifact.payload), consumedAt: artifact.consumedAt };
  };
  const findBy = (index: string) => {
    const key = indexes.get(index);
    return key === undefined ? undefined : find(key);
  };

  const artifacts: Artifacts = {
    async put(kind, value, payload, ttlSeconds, { grantId, uid, userCode } = {}) {
      const key = keyOf(kind, value);
      const consumedAt = stored.get(key)?.consumedAt ?? null;
      stored.set(key, { payload: JSON.stringify(payload), consumedAt }, ttlSeconds);
      if (uid !== undefined) indexes.set(`${kind}:uid:${uid}`, key, ttlSeconds);
      if (userCode !== undefined) indexes.set(`${kind}:userCode:${userCode}`, key, ttlSeconds);
      if (grantId !== undefined) grants.add(`${kind}:${grantId}`, key, ttlSeconds);
    },
    find: async (kind, value) => find(keyOf(kind, value)),
    findByUid: async (kind, uid) => findBy(`${kind}:uid:${uid}`),
    findByUserCode: async (kind, userCode) => findBy(`${kind}:userCode:${userCode}`),
    async consume(kind, value) {
      const artifact = stored.get(keyOf(kind, value));
      if (!artifact || artifact.consumedAt) return false;
      artifact.consumedAt = now();
      return true;
    },
    async delete(kind, value) {
      stored.delete(keyOf(kind, value));
    },
    async deleteByGrant(kind, grantId) {
      for (const key of grants.take(`${kind}:${grantId}`)) stored.delete(key);
    },
  };
  return {
    artifacts,
    close() {
      for (const map of [stored, indexes, grants]) map.close();
    },
  };
}

/** From a grant to the keys of its artifacts, for as long as the longest of them lives. */
function createGrantIndex(now: () => Date, isLive: (key: string) => boolean) {
  const grants = createExpiringMap<Set<string>>(now);
  return {
    add(grant: string, key: string, ttlSeconds: number) {
      const keys = grants.get(grant) ?? new Set();
      for (const other of keys) if (!isLive(other)) keys.delete(other);
      grants.set(grant, keys.add(key), Math.max(ttlSeconds, grants.remainingMs(grant) / 1000));
    },
    take(grant: string): Iterable<string> {
      const keys = grants.get(grant) ?? [];
      grants.delete(grant);
      return keys;
    },
    close: () => grants.close(),
  };
}

function keyOf(kind: ArtifactKind, value: string): string {
  return `${kind}:${digestBearer(value).toString('base64url')}`;
}
