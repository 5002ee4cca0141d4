import type { RequestListener } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { defineEnv, variable } from './env.ts';
import type { Health } from './health.ts';
import type { Logger } from './logger.ts';
import { type Metrics, serveMetrics } from './metrics.ts';
import type { RunningService } from './process.ts';
import { listen } from './server.ts';

export interface ServerDefaults {
  port: number;
  metricsPort: number;
  /** The store's own: it throws where the process could not open the store either. */
  parseRedisUrl(url: string): unknown;
}

/** The variables of every process that serves requests over both stores. */
export function serverEnv({ port, metricsPort, parseRedisUrl }: ServerDefaults) {
  return defineEnv({
    NODE_ENV: {
      schema: variable.text().default('development'),
      description: '`production` demands https addresses',
    },
    HOST: { schema: variable.text().default('0.0.0.0'), description: 'Address to listen on' },
    PORT: { schema: variable.port(port), description: 'Port to listen on' },
    METRICS_PORT: {
      schema: variable.port(metricsPort),
      description: 'Port of /metrics; keep it private',
    },
    DATABASE_URL: {
      schema: variable.postgresUrl(),
      description: 'PostgreSQL connection string',
      secret: true,
    },
    REDIS_URL: {
      schema: variable.parsed(parseRedisUrl),
      description: 'Redis server, Sentinels or Cluster; with a password in it, if any',
      secret: true,
    },
    TRUSTED_PROXIES: {
      schema: variable.addressRanges(),
      description: 'Addresses or CIDR ranges whose X-Forwarded-* headers are believed',
    },
    LOG_LEVEL: {
      schema: variable.logLevel(),
      description: 'debug, info, warn, error or silent',
    },
    TEMPLATE_DIRS: {
      schema: variable.list(),
      description: 'Folders with templates that replace ours, strongest first',
    },
    DRAIN_SECONDS: {
      schema: variable.seconds(10),
      description: 'Between saying "not ready" and closing, for the load balancer to notice',
    },
  });
}

export interface ServeOptions {
  env: { HOST: string; PORT: number; METRICS_PORT: number; DRAIN_SECONDS: number };
  handler: RequestListener;
  logger: Logger;
  metrics: Metrics;
  health: Health;
  /** Called when the last request has been answered. */
  stop(): Promise<void>;
}

/**
 * Listens, with metrics on a port of their own. A stop first says "not ready", waits for the load balancer to notice,
 * lets requests in flight finish, and only then lets go of what they need.
 */
export async function serve({
  env,
  handler,
  logger,
  metrics,
  health,
  stop,
}: ServeOptions): Promise<RunningService> {
  const metricsServer = await listen(serveMetrics(metrics), {
    host: env.HOST,
    port: env.METRICS_PORT,
    portVariable: 'METRICS_PORT',
  });
  const server = await listen(handler, { host: env.HOST, port: env.PORT });
  logger.info({ port: server.port }, 'listening');
  return {
    async stop() {
      health.drain();
      await wait(env.DRAIN_SECONDS * 1000);
      await server.close();
      await metricsServer.close(0);
      await stop();
    },
  };
}
