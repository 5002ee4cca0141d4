import { countRequests, openDoor } from '@latchkey/api';
import { createKoaGuard } from '@latchkey/guard';
import { createLogger } from '@latchkey/service';
import { openPostgres, openRedis } from '@latchkey/storage';
import Koa from 'koa';
import { createDatabase } from '../../../../infra/test/servers.ts';
import { PEPPER } from '../../harness/secrets.ts';
import { listenAnywhere, serveSubject } from '../subject.ts';
import { AUDIENCE, issueToken, ORGANIZATION } from './issued-token.ts';
import { storeKeys } from './stored-keys.ts';

/**
 * The baseline's answer behind all that stands before a route of the API: PostgreSQL and Redis, limits of organisation
 * and key, revocations, allowlists of organisation and key, metering. CREDENTIAL says what is sent, KEYS how many keys
 * there are.
 */
const { CREDENTIAL = 'token', KEYS = '1', POSTGRES_URL = '', REDIS_URL = '' } = process.env;
const ROUTE = { name: 'GET /', scope: 'work-orders:read' };
const HERE = ['127.0.0.0/8', '2001:db8::/32'];
const UNLIMITED = 1_000_000_000;

const { url: databaseUrl } = await createDatabase(POSTGRES_URL);
const durable = openPostgres({ url: databaseUrl });
const shared = openRedis({ url: REDIS_URL, keyPrefix: `bench-${process.pid}:` });
await durable.migrate();
await durable.organizations.create({
  id: ORGANIZATION,
  name: 'Bench',
  plan: 'enterprise',
  rateLimit: UNLIMITED,
  ipAllowlist: HERE,
});
await durable.resourceServers.create({
  id: 'rs_bench',
  identifier: AUDIENCE,
  name: 'Bench',
  scopes: { [ROUTE.scope]: 'List and read work orders' },
  tokenFormat: 'jwt',
  tokenTtlSeconds: 3600,
  signingAlgorithm: 'ES256',
  acceptsApiKeys: true,
  isDefault: true,
  introspectionClientId: null,
});
const keys = await storeKeys(databaseUrl, {
  count: Number(KEYS),
  pepper: PEPPER,
  organizationId: ORGANIZATION,
  scopes: [ROUTE.scope],
  ipAllowlist: HERE,
  rateLimit: UNLIMITED,
});
const { issuer, authorization: token } = await issueToken();
const config = { origin: 'http://127.0.0.1', audience: AUDIENCE, issuer, pepper: PEPPER, trustedProxies: [] };
const logger = createLogger({ service: 'api' });
const door = await openDoor(config, { durable, shared, logger, scopes: [ROUTE.scope], now: Date.now });
const { protect } = createKoaGuard(door.guard);

const app = new Koa();
app.use(countRequests(ROUTE.name, door.metering));
app.use(protect(ROUTE) as Koa.Middleware);
app.use((ctx) => {
  ctx.body = { data: [], next_cursor: null };
});

const authorizations = CREDENTIAL === 'api_key' ? keys.map((key) => `Bearer ${key}`) : [token];
serveSubject({
  url: await listenAnywhere(app.callback()),
  method: 'GET',
  headers: { authorization: authorizations[0] ?? '' },
  authorizations,
});
