import type { CredentialKind } from './principal.ts';

/** What a route asks of those who call it. Everything that is absent is not asked. */
export interface RoutePolicy {
  /** Names the route where it is counted: method and template, `GET /orders/:id`. Needed with `limit`. */
  name?: string;
  /** Every one of them must be held. */
  scope?: string | readonly string[];
  /** Default: every kind that the guard is made for. */
  credentials?: readonly CredentialKind[];
  /**
   * Of this route, beside the limits of key and organisation: for each API key, and for each client by organisation, or
   * by account where there is none. Needs the guard's `limiter`.
   */
  limit?: { requests: number; windowSeconds: number };
  /** Addresses and CIDR ranges that the route may be called from. */
  allowlist?: readonly string[];
}
