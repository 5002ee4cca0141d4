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
  return serve({
    env,
    handler: auth.handler,
    logger,
    metrics,
    health,
    async stop() {
      await auth.stop();
      await Promise.all([durable.close(), shared.close()]);
    },
  });
}

await runProcess('auth', start);
