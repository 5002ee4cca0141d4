import { createApi } from '@latchkey/api';
import { createLogger, createMetrics, listen } from '@latchkey/service';
import type { Deployment } from './deployment.ts';
import { PEPPER } from './secrets.ts';

export interface RunningApi {
  url: string;
  /** Status of `GET /api/v2/work-orders` with this token. */
  statusFor(token: string): Promise<number>;
  close(): Promise<void>;
}

/** The resource API beside a deployment's authorization server, on the same stores. */
export async function startApi(
  deployment: Deployment,
  options: { now?: () => Date } = {},
): Promise<RunningApi> {
  const { issuer, audience, durable, shared } = deployment;
  const config = { origin: 'http://127.0.0.1', audience, issuer, pepper: PEPPER, trustedProxies: [] };
  const logger = createLogger({ service: 'api', level: 'silent' });
  const api = await createApi(config, { durable, shared, logger, metrics: createMetrics('api'), ...options });
  const server = await listen(api.handler, { host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    async statusFor(token) {
      const response = await fetch(`${url}/api/v2/work-orders`, {
        headers: { authorization: `Bearer ${token}` },
      });
      await response.arrayBuffer();
      return response.status;
    },
    async close() {
      await server.close(0);
      await api.stop();
    },
  };
}
