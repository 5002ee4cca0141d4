import { PLAN_REQUESTS_PER_MINUTE } from '@latchkey/protocol';
import type { Organization } from '@latchkey/storage';

/**
 * What binds every credential of an organisation, whatever its kind and however long ago it was issued. It is for the
 * resource server to enforce: the caller's requests come to it alone.
 */
export function describeTerms({ plan, rateLimit, ipAllowlist }: Organization): Record<string, unknown> {
  return {
    plan,
    ...(ipAllowlist.length > 0 && { organization_ip_allowlist: ipAllowlist }),
    organization_rate_limit: rateLimit ?? PLAN_REQUESTS_PER_MINUTE[plan],
  };
}
