import { defineEnv, type Env, serverEnv, variable } from '@latchkey/service';
import { parseRedisUrl } from '@latchkey/storage';
import type { ApiConfig } from './config.ts';

/** Every variable that the API reads. */
export const apiEnv = defineEnv({
  ...serverEnv({ port: 3001, metricsPort: 9465, parseRedisUrl }),
  API_ORIGIN: { schema: variable.origin(), description: 'Public URL of this API, without a path' },
  API_AUDIENCE: {
    schema: variable.text().optional(),
    description: 'Identifier of this API in tokens (`aud`), a URL; API_ORIGIN when absent',
  },
  ISSUER: { schema: variable.origin(), description: 'Public URL of the authorization server' },
  JWKS_URI: {
    schema: variable.origin().optional(),
    description: "Where the issuer's keys are fetched, if not at its public URL; may be inside the network",
  },
  PEPPER: {
    schema: variable.key(),
    description: "The authorization server's: 32 random bytes in hex or base64url",
    secret: true,
  },
});

export type ApiEnv = Env<typeof apiEnv>;

/** Faults that concern what the values mean, or several of them together. */
export function checkApiEnv(env: Partial<ApiEnv>): string[] {
  const faults: string[] = [];
  const isHttp = (text: string) => /^https?:$/.test(URL.parse(text)?.protocol ?? '');
  if (env.API_ORIGIN && new URL(env.API_ORIGIN).pathname !== '/')
    faults.push('API_ORIGIN: must not have a path');
  if (env.API_AUDIENCE && !isHttp(env.API_AUDIENCE)) faults.push('API_AUDIENCE: must be an http(s) URL');
  if (env.NODE_ENV === 'production') {
    for (const name of ['API_ORIGIN', 'ISSUER'] as const) {
      if (env[name]?.startsWith('http:')) faults.push(`${name}: must be https in production`);
    }
  }
  return faults;
}

export function toApiConfig(env: ApiEnv): ApiConfig {
  return {
    origin: env.API_ORIGIN,
    audience: env.API_AUDIENCE ?? env.API_ORIGIN,
    issuer: env.ISSUER,
    ...(env.JWKS_URI ? { jwksUri: env.JWKS_URI } : {}),
    pepper: env.PEPPER,
    trustedProxies: env.TRUSTED_PROXIES,
    templateDirs: env.TEMPLATE_DIRS,
  };
}
