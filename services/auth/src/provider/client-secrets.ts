import { timingSafeEqual } from 'node:crypto';
import { digestSecret } from '@latchkey/storage';
import type Provider from 'oidc-provider';
import type { Client } from 'oidc-provider';
import type { LibraryClients } from './clients.ts';

/**
 * Compares a client secret with the digests of all live ones. Every digest is compared, each in constant time, so
 * that the time taken tells neither how near a guess came nor which secret it was.
 */
export function installClientSecrets(
  provider: Provider,
  { clients, pepper, now }: { clients: LibraryClients; pepper: Buffer; now: () => Date },
): void {
  provider.Client.prototype.compareClientSecret = function compareClientSecret(this: Client, secret: string) {
    const candidate = digestSecret(pepper, secret);
    const time = now().getTime();
    return clients
      .recordOf(this)
      .secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > time)
      .map(({ digest }) => digest.length === candidate.length && timingSafeEqual(digest, candidate))
      .includes(true);
  };
}
