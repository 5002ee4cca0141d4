import type { DurableStorage } from '@latchkey/storage';
import Provider, { type Adapter, errors } from 'oidc-provider';
import { z } from 'zod';
import type { Authority } from './grants.ts';
import { refuseAll } from './stored-model.ts';

declare module 'koa' {
  interface DefaultState {
    /** Of the grant that the request came upon: a refused one never reaches the library's own context. */
    grantOrganizationId?: string | null;
  }
}

/** What the library hands over when it saves a grant. */
const savedGrant = z.object({
  accountId: z.string(),
  clientId: z.string(),
  exp: z.number(),
  organizationId: z.string().nullish(),
});

export function createGrantAdapter({
  durable,
  authority,
}: {
  durable: Pick<DurableStorage, 'grants'>;
  authority: Authority;
}): Adapter {
  async function find(id: string) {
    const grant = await durable.grants.find(id);
    const { ctx } = Provider;
    if (ctx && grant) ctx.state.grantOrganizationId = grant.organizationId;
    return grant;
  }

  return {
    ...refuseAll('Grant'),
    async upsert(id, { jti: _jti, ...payload }) {
      const { accountId, clientId, exp, organizationId = null } = savedGrant.parse(payload);
      const expiresAt = new Date(exp * 1000);
      const live = await durable.grants.put({ id, accountId, clientId, organizationId, payload, expiresAt });
      if (!live) throw new errors.InvalidGrant({ detail: 'the grant was revoked' });
    },
    async find(id) {
      const grant = await find(id);
      return grant && { ...grant.payload, jti: id, organizationId: grant.organizationId };
    },
    async destroy(id) {
      // The end of a grant is for its organisation to read of, and revocation comes upon it here alone.
      await find(id);
      await authority.revokeGrant(id);
    },
  };
}
