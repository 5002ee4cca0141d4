import { setTimeout as wait } from 'node:timers/promises';
import {
  createHealth,
  createLogger,
  createMetrics,
  createMetricsServer,
  listen,
  type RunningService,
  readEnv,
  runProcess,
} from '@latchkey/service';
import { openPostgres, openRedis } from '@latchkey/storage';
import { authEnv, checkAuthEnv, toAuthConfig } from './env.ts';
import { createAuth } from './index.ts';

async function start(): Promise<RunningService> {
  const env = readEnv(authEnv, process.env, checkAuthEnv);
  const logger = createLogger({ service: 'auth', level: env.LOG_LEVEL });
  const metrics = createMetrics('auth');
  const durable = openPostgres({ url: env.DATABASE_URL });
  const shared = openRedis({ url: env.REDIS_URL });
  const health = createHealth({ durable: durable.ping, shared: shared.ping });
  await durable.checkSchema();
  const auth = await createAuth(toAuthConfig(env), { durable, shared, logger, metrics, health });
  const server = await listen(auth.handler, { host: env.HOST, port: env.PORT });
  const metricsServer = createMetricsServer(metrics).listen(env.METRICS_PORT, env.HOST);
  logger.info({ issuer: env.ISSUER, port: server.port }, 'listening');
  return {
    async stop() {
      health.drain();
      await wait(env.DRAIN_SECONDS * 1000);
      await server.close();
      metricsServer.close();
      await auth.stop();
      await Promise.all([durable.close(), shared.close()]);
    },
  };
}

await runProcess('auth', start);
