import { mintApiKey } from '@latchkey/protocol';
import { digestSecret } from '@latchkey/storage';
import { Client } from 'pg';

export interface StoredKeysOptions {
  count: number;
  pepper: Buffer;
  organizationId: string;
  scopes: string[];
  ipAllowlist: string[];
  rateLimit: number;
}

const ROWS_A_STATEMENT = 10_000;

/** Makes so many keys and answers them. By statements of many rows: one by one a hundred thousand take minutes. */
export async function storeKeys(databaseUrl: string, options: StoredKeysOptions): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const keys: string[] = [];
  try {
    while (keys.length < options.count) {
      const minted = Array.from({ length: Math.min(ROWS_A_STATEMENT, options.count - keys.length) }, () =>
        mintApiKey('live'),
      );
      await insert(client, minted, options);
      keys.push(...minted.map(({ key }) => key));
    }
    await client.query('analyze api_keys');
  } finally {
    await client.end();
  }
  return keys;
}

function insert(client: Client, minted: ReturnType<typeof mintApiKey>[], options: StoredKeysOptions) {
  const { pepper, organizationId, scopes, ipAllowlist, rateLimit } = options;
  return client.query(
    `insert into api_keys (id, organization_id, environment, name, scopes, digest, last_four, ip_allowlist, rate_limit,
       created_by_type, created_by_id, created_at, updated_at)
     select id, $1, 'live', 'Bench', $2, digest, last_four, $3, $4, 'operator', 'bench', now(), now()
     from unnest($5::text[], $6::bytea[], $7::text[]) as minted (id, digest, last_four)`,
    [
      organizationId,
      JSON.stringify(scopes),
      JSON.stringify(ipAllowlist),
      rateLimit,
      minted.map(({ id }) => id),
      minted.map(({ secret }) => digestSecret(pepper, secret)),
      minted.map(({ key }) => key.slice(-4)),
    ],
  );
}
