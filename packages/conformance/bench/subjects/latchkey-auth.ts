import { createAuth } from '@latchkey/auth';
import { createLogger, createMetrics, listen } from '@latchkey/service';
import { openPostgres, openRedis } from '@latchkey/storage';
import { createDatabase } from '../../../../infra/test/servers.ts';
import { COOKIE_KEY, ENCRYPTION_KEY, PEPPER } from '../../harness/secrets.ts';
import { seed } from '../../harness/seed.ts';
import { serveSubject } from '../subject.ts';

/** The auth service as it is deployed: PostgreSQL, Redis, logs to stdout, metrics. LOAD says which endpoint is measured. */
const { LOAD = 'token', POSTGRES_URL = '', REDIS_URL = '' } = process.env;
const database = await createDatabase(POSTGRES_URL);
const durable = openPostgres({ url: database.url });
const shared = openRedis({ url: REDIS_URL });
await durable.migrate();
const audience = 'https://api.example.com';
const { clients } = await seed(durable, { pepper: PEPPER, audience });

const server = await listen((request, response) => auth.handler(request, response), {
  host: '127.0.0.1',
  port: 0,
});
const url = `http://127.0.0.1:${server.port}`;
const auth = await createAuth(
  {
    issuer: url,
    pepper: PEPPER,
    encryptionKey: ENCRYPTION_KEY,
    cookieKeys: [COOKIE_KEY],
    trustedProxies: [],
    // Counted as ever, and never reached: all load comes from one address.
    limits: { token: 1e9, tokenPerAddress: 1e9, introspection: 1e9, introspectionPerAddress: 1e9 },
  },
  { durable, shared, logger: createLogger({ service: 'auth' }), metrics: createMetrics('auth') },
);

const form = ({ client_id, client_secret }: { client_id: string; client_secret: string }) => ({
  authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
  'content-type': 'application/x-www-form-urlencoded',
});
const tokenRequest = {
  method: 'POST' as const,
  headers: form(clients.machine),
  body: 'grant_type=client_credentials&scope=work-orders%3Aread',
};

if (LOAD === 'introspect') {
  const answer = await fetch(`${url}/oauth/token`, tokenRequest);
  const { access_token } = (await answer.json()) as { access_token: string };
  serveSubject({
    url: `${url}/oauth/introspect`,
    method: 'POST',
    headers: form(clients.resourceServer),
    body: new URLSearchParams({ token: access_token }).toString(),
  });
} else {
  serveSubject({ url: `${url}/oauth/token`, ...tokenRequest });
}
