import { parseScope } from '@latchkey/protocol';
import type { GrantPayload } from '@latchkey/storage';
import { z } from 'zod';
import type { GrantWithOrganization } from './grant.ts';

const scopesByResource = z.record(z.string(), z.string()).default({});

const recordSchema = z.object({
  openid: z.object({ scope: z.string().default('') }).prefault({}),
  resources: scopesByResource,
  rejected: z.object({ resources: scopesByResource }).prefault({}),
});

/**
 * What is remembered of an agreement: all of this one, and of the earlier ones what this one did not decide anew.
 * An application that asks for less today does not have to ask again tomorrow.
 */
export function mergeConsent(earlier: GrantPayload | undefined, grant: GrantWithOrganization): GrantPayload {
  const before = recordSchema.parse(earlier ?? {});
  const now = recordSchema.parse({
    openid: grant.openid,
    resources: grant.resources,
    rejected: { resources: grant.rejected?.resources },
  });
  const decided = (resource: string) =>
    union(now.resources[resource], now.rejected.resources[resource]).split(' ');
  const merge = (old: Record<string, string>, fresh: Record<string, string>) => {
    const entries = [...new Set([...Object.keys(old), ...Object.keys(fresh)])].map((resource) => {
      const open = [...parseScope(old[resource])].filter((scope) => !decided(resource).includes(scope));
      return [resource, union(open.join(' '), fresh[resource])] as const;
    });
    return Object.fromEntries(entries.filter(([, scope]) => scope !== ''));
  };
  return {
    openid: { scope: union(before.openid.scope, now.openid.scope) },
    resources: merge(before.resources, now.resources),
    rejected: { resources: merge(before.rejected.resources, now.rejected.resources) },
  };
}

function union(...scopes: (string | undefined)[]): string {
  return [...new Set(scopes.flatMap((scope) => [...parseScope(scope)]))].join(' ');
}
