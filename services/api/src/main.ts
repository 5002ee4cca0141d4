import {
  createHealth,
  createLogger,
  createMetrics,
  type RunningService,
  readEnv,
  runProcess,
  serve,
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
  return serve({
    env,
    handler: api.handler,
    logger,
    metrics,
    health,
    async stop() {
      await api.stop();
      await Promise.all([durable.close(), shared.close()]);
    },
  });
}

await runProcess('api', start);
