import { defineEnv, type Env } from '@latchkey/service';
import { z } from 'zod';
import type { RequestLimits } from '../config.ts';

/** Requests per minute. */
function requests(fallback: number) {
  return z.coerce
    .number({ error: 'must be a number of requests' })
    .int()
    .min(1, 'must be at least 1')
    .max(1_000_000_000, 'must be at most 1000000000')
    .default(fallback);
}

/** The settings of every limit, with these as their defaults. */
export function limitVariables(limits: RequestLimits) {
  return defineEnv({
    TOKEN_REQUESTS_PER_MINUTE: {
      schema: requests(limits.token),
      description: 'Requests of one client from one address at the token and revocation endpoints',
    },
    TOKEN_ADDRESS_REQUESTS_PER_MINUTE: {
      schema: requests(limits.tokenPerAddress),
      description: 'Requests of all clients from one address at the token and revocation endpoints',
    },
    INTROSPECTION_REQUESTS_PER_MINUTE: {
      schema: requests(limits.introspection),
      description: 'Requests of one client from one address at the introspection endpoint',
    },
    INTROSPECTION_ADDRESS_REQUESTS_PER_MINUTE: {
      schema: requests(limits.introspectionPerAddress),
      description: 'Requests of all clients from one address at the introspection endpoint',
    },
    SIGN_IN_ADDRESS_REQUESTS_PER_MINUTE: {
      schema: requests(limits.signInPerAddress),
      description:
        'Requests from one address for the pages of signing in and out; a sign-in takes about seven',
    },
  });
}

export function readLimits(env: Env<ReturnType<typeof limitVariables>>): RequestLimits {
  return {
    token: env.TOKEN_REQUESTS_PER_MINUTE,
    tokenPerAddress: env.TOKEN_ADDRESS_REQUESTS_PER_MINUTE,
    introspection: env.INTROSPECTION_REQUESTS_PER_MINUTE,
    introspectionPerAddress: env.INTROSPECTION_ADDRESS_REQUESTS_PER_MINUTE,
    signInPerAddress: env.SIGN_IN_ADDRESS_REQUESTS_PER_MINUTE,
  };
}
