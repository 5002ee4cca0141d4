import type { Role } from './roles.ts';

/** Which data a credential reaches. Test credentials never see live rows, and the other way round. */
export const ENVIRONMENTS = ['live', 'test'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

export const PLANS = ['free', 'professional', 'enterprise'] as const;
export type Plan = (typeof PLANS)[number];

/** Requests in a minute, over all credentials of an organisation, unless it has a limit of its own. */
export const PLAN_REQUESTS_PER_MINUTE: Readonly<Record<Plan, number>> = {
  free: 1_000,
  professional: 10_000,
  enterprise: 100_000,
};

/** Claims of a JWT access token: RFC 9068 §2.2 first, then Latchkey's own. Instants are epoch seconds. */
export interface AccessTokenClaims {
  iss: string;
  /** The account; for client credentials the client itself (RFC 9068 §2.2). */
  sub: string;
  aud: string | string[];
  exp: number;
  iat: number;
  jti: string;
  client_id: string;
  /** Space-delimited. */
  scope?: string;
  nbf?: number;
  /** Proof-of-possession binding (RFC 7800 §3.1). */
  cnf?: Record<string, unknown>;
  /** The consent the token was issued under; absent for client credentials. */
  grant_id?: string;
  org_id?: string;
  /** The account's role in `org_id` when the token was issued; absent for client credentials. */
  role?: Role;
  plan?: Plan;
  env?: Environment;
}
