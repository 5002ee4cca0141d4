import { createAddressList, PLAN_REQUESTS_PER_MINUTE, PLANS } from '@latchkey/protocol';
import { displayName, ipAllowlist, leakedKeyPolicy, updateOrganization } from '@latchkey/registry';
import { HttpError } from '@latchkey/service';
import { LEAKED_KEY_POLICIES, type Organization } from '@latchkey/storage';
import { z } from 'zod';
import { defineEndpoint, found } from '../endpoint.ts';
import { stamps } from '../fields.ts';
import { operatorOf } from '../operator.ts';
import type { RouteDeps } from '../route-table.ts';
import { toWire } from '../wire.ts';

const tag = 'Organization';

const organization = z.object({
  ...stamps,
  name: z.string().describe('What people read'),
  plan: z.enum(PLANS).describe('Set by the operator, as the limit is'),
  rate_limit: z.int().describe('Requests per minute over all credentials'),
  ip_allowlist: z
    .array(z.string())
    .describe('Addresses and CIDR ranges that credentials may be used from; empty: anywhere'),
  leaked_key_policy: z
    .enum(LEAKED_KEY_POLICIES)
    .describe(
      'What happens to a key that is reported as published: revoked, or marked in the audit log alone',
    ),
});

const update = z.strictObject({
  name: displayName.optional().describe('What people read'),
  ip_allowlist: ipAllowlist.optional().describe('Addresses and CIDR ranges; an empty list: anywhere'),
  leaked_key_policy: leakedKeyPolicy
    .optional()
    .describe('What happens to a key that is reported as published'),
  allow_lockout: z
    .boolean()
    .default(false)
    .describe('Take an allowlist that leaves out the address you call from'),
});

const conflict = 'The allowlist would leave out the address you call from';

export function createOrganizationEndpoints(deps: RouteDeps) {
  const { organizations } = deps.durable;
  return {
    get: defineEndpoint({
      id: 'getOrganization',
      summary: 'Get your organization',
      tag,
      answer: { name: 'Organization', schema: organization, status: 200 },
      handle: async ({ tenant }) => show(found(await organizations.find(tenant.organizationId))),
    }),
    update: defineEndpoint({
      id: 'updateOrganization',
      summary: 'Change your organization',
      description:
        'By live access tokens alone: the allowlist is what bounds a stolen API key, and no key may lift it.',
      tag,
      body: update,
      answer: { name: 'Organization', schema: organization, status: 200 },
      conflict,
      handle: async (call) => {
        const { organizationId, environment } = call.tenant;
        if (environment === 'test') {
          throw new HttpError('forbidden', {
            description: 'A test credential cannot change the organization',
          });
        }
        const { allow_lockout: allowLockout, ...changes } = call.body;
        if (!allowLockout) refuseLockout(changes.ip_allowlist, call.origin.ip);
        return show(await updateOrganization(operatorOf(deps, call), organizationId, changes));
      },
    }),
  };
}

/** A mistyped range would shut out whoever could mend it. */
function refuseLockout(ranges: readonly string[] = [], ip: string | null): void {
  if (ranges.length === 0 || (ip !== null && createAddressList(ranges).includes(ip))) return;
  throw new HttpError('conflict', {
    description: `${conflict}, ${ip}; send "allow_lockout": true if that is meant`,
  });
}

function show({ disabledAt, rateLimit, ...row }: Organization): Record<string, unknown> {
  return { ...toWire(row), rate_limit: rateLimit ?? PLAN_REQUESTS_PER_MINUTE[row.plan] };
}
