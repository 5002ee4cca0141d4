import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Who reports leaked keys, as GitHub does: publishes its public keys, and signs what it sends. */
export interface LeakReporter {
  url: string;
  /** How often its keys were asked for. */
  reads: number;
  /** Whether it answers at all. */
  away: boolean;
  /** Publishes another key; answers its identifier. */
  addKey(options?: { curve?: string }): string;
  withdraw(identifier: string): void;
  signedHeaders(body: string, identifier: string): Record<string, string>;
  close(): Promise<void>;
}

export async function startLeakReporter(): Promise<LeakReporter> {
  const keys = new Map<string, { privateKey: KeyObject; pem: string; published: boolean }>();
  const server = createServer((_request, response) => {
    reporter.reads += 1;
    if (reporter.away) return void response.writeHead(502).end();
    const published = [...keys].filter(([, key]) => key.published);
    const public_keys = published.map(([key_identifier, { pem }]) => ({
      key_identifier,
      key: pem,
      is_current: true,
    }));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ public_keys }));
  });
  await listening(server);
  const reporter: LeakReporter = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/meta/public_keys/secret_scanning`,
    reads: 0,
    away: false,
    addKey({ curve = 'P-256' } = {}) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
      const identifier = `key-${keys.size}`;
      keys.set(identifier, {
        privateKey,
        pem: String(publicKey.export({ type: 'spki', format: 'pem' })),
        published: true,
      });
      return identifier;
    },
    withdraw(identifier) {
      const key = keys.get(identifier);
      if (key) key.published = false;
    },
    signedHeaders(body, identifier) {
      const key = keys.get(identifier)?.privateKey;
      if (!key) throw new Error(`no key ${identifier}`);
      return {
        'Github-Public-Key-Identifier': identifier,
        'Github-Public-Key-Signature': sign('sha256', Buffer.from(body), key).toString('base64'),
      };
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return reporter;
}

async function listening(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}
