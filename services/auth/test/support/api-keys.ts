import { crc32 } from 'node:zlib';
import { mintApiKey, toBase62 } from '@latchkey/protocol';
import { type ApiKeyInput, createApiKey, createOperator, type IssuedApiKey } from '@latchkey/registry';
import type { RegisteredClient } from './records.ts';
import type { Scene } from './scene.ts';

export function operatorOf({ stores }: Scene) {
  const { durable, shared } = stores;
  const feed = shared[0]?.feed;
  if (!feed) throw new Error('the scene has no feed');
  return createOperator({ durable, feed, name: 'test' });
}

/** A key as the API or the command line makes it: of the scene's organisation, with one scope, unless told. */
export function makeApiKey(scene: Scene, input: Partial<ApiKeyInput> = {}): Promise<IssuedApiKey> {
  return createApiKey(operatorOf(scene), scene.auth.config.pepper, {
    organizationId: scene.records.organizationId,
    environment: 'live',
    name: 'Test key',
    scopes: ['work-orders:read'],
    ipAllowlist: [],
    rateLimit: null,
    expiresAt: null,
    ...input,
  });
}

/** The key with another secret, and the checksum that fits. */
export function withAnotherSecret(key: string): string {
  const body = `${key.slice(0, 'sk_live_'.length + 20)}_${mintApiKey('live').secret}`;
  return body + toBase62(crc32(body), 6);
}

/** The client with which the scene's API, which is the operator's own, asks about tokens and keys. */
export async function addGateway({ records, stores }: Scene): Promise<RegisteredClient> {
  const metadata = { application_type: 'resource_server', grant_types: [], redirect_uris: [] } as const;
  const gateway = await records.addClient({ ...metadata, grant_types: [], redirect_uris: [] }, null);
  const { id } = records.resourceServer;
  const changes = { introspectionClientId: gateway.id, acceptsApiKeys: true };
  await stores.durable.resourceServers.update(id, changes);
  await stores.shared[0]?.feed.publish({ type: 'resource_server', id });
  return gateway;
}
