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
import { apiEnv, checkApiEnv, toApiConfig } from './env.ts';
import { createApi } from './index.ts';

async function start(): Promise<RunningService> {
  const env = readEnv(apiEnv, process.env, checkApiEnv);
  const logger = createLogger({ service: 'api', level: env.LOG_LEVEL });
  const metrics = createMetrics('api');
  const durable = openPostgres({ url: env.DATABASE_URL });
  const shared = openRedis({ url: env.REDIS_URL });
  const health = createHealth({ durable: durable.ping });
  await durable.checkSchema();
  const api = await createApi(toApiConfig(env), { durable, shared, logger, metrics, health });
  const server = await listen(api.handler, { host: env.HOST, port: env.PORT });
  const metricsServer = createMetricsServer(metrics).listen(env.METRICS_PORT, env.HOST);
  logger.info({ origin: env.API_ORIGIN, port: server.port }, 'listening');
  return {
    async stop() {
      health.drain();
      await wait(env.DRAIN_SECONDS * 1000);
      await server.close();
      metricsServer.close();
      await api.stop();
      await Promise.all([durable.close(), shared.close()]);
    },
  };
}

await runProcess('api', start);
