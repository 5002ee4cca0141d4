import { createGuard, type Guard, type RateLimiter } from '@latchkey/guard';
import type { Logger } from '@latchkey/service';
import type { DurableStorage } from '@latchkey/storage';
import { createExposureAudit } from './audit.ts';
import type { ApiConfig } from './config.ts';
import { REFERENCE_PATH } from './documentation.ts';
import type { Knowledge } from './knowledge.ts';

export interface ApiGuardDeps {
  /** Those that routes ask for, for the metadata document. */
  scopes: readonly string[];
  knowledge: Pick<Knowledge, 'revocations' | 'apiKeys' | 'organizations'>;
  limiter: RateLimiter;
  durable: Pick<DurableStorage, 'auditEvents'>;
  logger: Logger;
  /** Epoch milliseconds. */
  now: () => number;
}

/** The guard of this API: tokens of its issuer, and API keys. */
export function createApiGuard(config: ApiConfig, deps: ApiGuardDeps): Guard {
  const { scopes, knowledge, limiter, durable, logger, now } = deps;
  const { issuer, audience, origin, jwksUri, trustedProxies, productName = 'Latchkey' } = config;
  const { revocations, apiKeys, organizations } = knowledge;
  return createGuard({
    issuer,
    audience,
    ...(jwksUri ? { jwksUri } : {}),
    revocations,
    apiKeys,
    organizations,
    limiter,
    // By where it is reached: the audience is a name, which need not be.
    requireHttps: origin.startsWith('https:'),
    trustedProxies,
    onExposure: createExposureAudit({ durable, logger, now }),
    metadata: {
      scopesSupported: scopes,
      name: `${productName} API`,
      documentationUrl: `${origin}${REFERENCE_PATH}`,
    },
    onKeysFailure: (error) => logger.warn({ err: error }, 'the issuer did not give its keys'),
    now,
  });
}
