import { openPostgres } from '@latchkey/storage';
import { createDatabase, startRedis } from '../../../infra/test/servers.ts';
import { startLoadBalancer } from './load-balancer.ts';
import { PEPPER, SECRETS_ENV } from './secrets.ts';
import { type Seed, seed } from './seed.ts';
import { freePort, type ServiceProcess, startService } from './service-process.ts';

/** Stores with people and clients in them, and the environment for processes on them. Redis is its own. */
export interface ProcessDeployment extends Seed {
  issuer: string;
  databaseUrl: string;
  redis: Awaited<ReturnType<typeof startRedis>>;
  /** Each is behind the issuer's address, which hands connections to them in turn. */
  startAuth(): Promise<ServiceProcess>;
  startApi(): Promise<ServiceProcess>;
  close(): Promise<void>;
}

/** Whole suites call from one address. */
const UNREACHED_LIMITS = {
  TOKEN_REQUESTS_PER_MINUTE: '1000000',
  TOKEN_ADDRESS_REQUESTS_PER_MINUTE: '1000000',
  INTROSPECTION_REQUESTS_PER_MINUTE: '1000000',
  INTROSPECTION_ADDRESS_REQUESTS_PER_MINUTE: '1000000',
  SIGN_IN_ADDRESS_REQUESTS_PER_MINUTE: '1000000',
};

export async function prepareProcesses(postgresUrl: string): Promise<ProcessDeployment> {
  const database = await createDatabase(postgresUrl);
  const redis = await startRedis();
  const audience = 'https://api.acme.example';
  const durable = openPostgres({ url: database.url });
  await durable.migrate();
  const seeded = await seed(durable, { pepper: PEPPER, audience });
  await durable.close();
  const balancer = await startLoadBalancer();
  const issuer = `http://127.0.0.1:${balancer.port}`;
  const common = { DATABASE_URL: database.url, REDIS_URL: redis.url, ISSUER: issuer, LOG_LEVEL: 'error' };
  const running: ServiceProcess[] = [];
  const keep = async (starting: Promise<ServiceProcess>) => {
    const service = await starting;
    running.push(service);
    return service;
  };
  return {
    ...seeded,
    issuer,
    databaseUrl: database.url,
    redis,
    async startAuth() {
      const port = await freePort();
      const env = { ...common, ...SECRETS_ENV, ...UNREACHED_LIMITS, PORT: String(port) };
      const service = await keep(startService('auth', env));
      const leave = balancer.add(port);
      return {
        ...service,
        async kill() {
          leave();
          await service.kill();
        },
      };
    },
    async startApi() {
      const PORT = String(await freePort());
      const { PEPPER } = SECRETS_ENV;
      const API_ORIGIN = `http://127.0.0.1:${PORT}`;
      return keep(startService('api', { ...common, PEPPER, PORT, API_ORIGIN, API_AUDIENCE: audience }));
    },
    async close() {
      await Promise.all(running.map((service) => service.kill()));
      await balancer.close();
      await redis.stop();
      await database.drop();
    },
  };
}
