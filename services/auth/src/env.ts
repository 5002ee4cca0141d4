import { defineEnv, type Env, serverEnv, variable } from '@latchkey/service';
import { parseRedisUrl } from '@latchkey/storage';
import { type AuthConfig, DEFAULT_LIFETIMES, DEFAULT_LIMITS } from './config.ts';
import { GITHUB_REPORTER_KEYS_URL } from './leaks/reporter-keys.ts';
import { limitVariables, readLimits } from './limits/variables.ts';

const MIN_COOKIE_KEY_LENGTH = 32;

/** Every variable that the auth service reads. */
export const authEnv = defineEnv({
  ...serverEnv({ port: 3000, metricsPort: 9464, parseRedisUrl }),
  ISSUER: { schema: variable.origin(), description: 'Public URL of this server, without a path' },
  PEPPER: {
    schema: variable.key(),
    description: '32 random bytes in hex or base64url; never changes, lives outside the database',
    secret: true,
  },
  ENCRYPTION_KEY: {
    schema: variable.key(),
    description: '32 random bytes in hex or base64url that seal the signing keys',
    secret: true,
  },
  COOKIE_KEYS: {
    schema: variable
      .list()
      .refine((keys) => keys.length > 0, 'is required')
      .refine(
        (keys) => keys.every((key) => key.length >= MIN_COOKIE_KEY_LENGTH),
        `each must have at least ${MIN_COOKIE_KEY_LENGTH} characters`,
      ),
    description: 'Secrets that sign cookies, comma-separated, newest first, 32 characters or more each',
    secret: true,
  },
  ACCESS_TOKEN_TTL_SECONDS: {
    schema: variable.seconds(DEFAULT_LIFETIMES.accessToken),
    description: 'Life of access tokens that are for no resource server',
  },
  AUTHORIZATION_CODE_TTL_SECONDS: {
    schema: variable.seconds(DEFAULT_LIFETIMES.authorizationCode),
    description: 'Life of an authorization code',
  },
  INTERACTION_TTL_SECONDS: {
    schema: variable.seconds(DEFAULT_LIFETIMES.interaction),
    description: 'Time for a person to sign in and agree',
  },
  REFRESH_TOKEN_IDLE_SECONDS: {
    schema: variable.seconds(DEFAULT_LIFETIMES.refreshTokenIdle),
    description: 'Life of a refresh token that is not used',
  },
  REFRESH_TOKEN_MAX_SECONDS: {
    schema: variable.seconds(DEFAULT_LIFETIMES.refreshTokenMax),
    description: 'Life of a chain of refresh tokens',
  },
  SESSION_TTL_SECONDS: {
    schema: variable.seconds(DEFAULT_LIFETIMES.session),
    description: 'Life of a browser session that is not used',
  },
  ...limitVariables(DEFAULT_LIMITS),
  LEAK_REPORT_KEYS_URL: {
    schema: variable
      .text()
      .default(GITHUB_REPORTER_KEYS_URL)
      .refine((text) => text === 'off' || isKeysUrl(text), 'must be an https URL, or off'),
    description: 'Where the public keys are that leaked API keys are reported under; `off` takes no reports',
  },
});

/** Plain http for a reporter on this machine alone: whoever can change that list can revoke any key he holds. */
function isKeysUrl(text: string): boolean {
  const url = URL.parse(text);
  return (
    url?.protocol === 'https:' ||
    (url?.protocol === 'http:' && /^(127\.0\.0\.1|\[::1\]|localhost)$/.test(url.hostname))
  );
}

export type AuthEnv = Env<typeof authEnv>;

/** Faults that concern what the values mean, or several of them together. */
export function checkAuthEnv(env: Partial<AuthEnv>): string[] {
  const faults: string[] = [];
  const issuer = env.ISSUER ? new URL(env.ISSUER) : undefined;
  if (issuer && issuer.pathname !== '/') faults.push('ISSUER: must not have a path');
  if (env.NODE_ENV === 'production' && issuer?.protocol === 'http:') {
    faults.push('ISSUER: must be https in production');
  }
  if (env.ENCRYPTION_KEY && env.PEPPER?.equals(env.ENCRYPTION_KEY))
    faults.push('PEPPER: must differ from ENCRYPTION_KEY');
  for (const name of ['TOKEN', 'INTROSPECTION'] as const) {
    if (isAbove(env[`${name}_REQUESTS_PER_MINUTE`], env[`${name}_ADDRESS_REQUESTS_PER_MINUTE`])) {
      faults.push(`${name}_REQUESTS_PER_MINUTE: must not be above ${name}_ADDRESS_REQUESTS_PER_MINUTE`);
    }
  }
  if (isAbove(env.REFRESH_TOKEN_IDLE_SECONDS, env.REFRESH_TOKEN_MAX_SECONDS)) {
    faults.push('REFRESH_TOKEN_MAX_SECONDS: must not be below REFRESH_TOKEN_IDLE_SECONDS');
  }
  return faults;
}

function isAbove(value: number | undefined, bound: number | undefined): boolean {
  return value !== undefined && bound !== undefined && value > bound;
}

export function toAuthConfig(env: AuthEnv): AuthConfig {
  return {
    issuer: env.ISSUER,
    pepper: env.PEPPER,
    encryptionKey: env.ENCRYPTION_KEY,
    cookieKeys: env.COOKIE_KEYS,
    trustedProxies: env.TRUSTED_PROXIES,
    templateDirs: env.TEMPLATE_DIRS,
    ...(env.LEAK_REPORT_KEYS_URL !== 'off' && { leakReportKeysUrl: env.LEAK_REPORT_KEYS_URL }),
    limits: readLimits(env),
    ttl: {
      accessToken: env.ACCESS_TOKEN_TTL_SECONDS,
      authorizationCode: env.AUTHORIZATION_CODE_TTL_SECONDS,
      interaction: env.INTERACTION_TTL_SECONDS,
      refreshTokenIdle: env.REFRESH_TOKEN_IDLE_SECONDS,
      refreshTokenMax: env.REFRESH_TOKEN_MAX_SECONDS,
      session: env.SESSION_TTL_SECONDS,
    },
  };
}
