/** A service of somebody else's in TypeScript: only its types are looked at. */
import {
  type ApiKeyLookup,
  createAddressList,
  createGuard,
  createIntrospection,
  createKoaGuard,
  createRateLimiter,
  type KoaMiddleware,
  type OrganizationLookup,
  type Principal,
  type RoutePolicy,
} from '@latchkey/guard';
import { createMemoryPermits, type Permits } from '@latchkey/guard/permits';

const permits: Permits = createMemoryPermits();
const guard = createGuard({
  issuer: 'https://auth.example.com',
  audience: 'https://orders.example.com',
  limiter: createRateLimiter({ permits }),
  introspection: createIntrospection({
    endpoint: 'https://auth.example.com/oauth/introspect',
    clientId: 'rs_orders',
    clientSecret: 'secret',
  }),
});
const policy: RoutePolicy = { scope: 'orders:read', credentials: ['api_key'] };
export const middleware: KoaMiddleware = createKoaGuard(guard).protect(policy);

export function rowsOf({ organizationId, environment }: Principal): readonly [string, 'live' | 'test'] {
  return [organizationId ?? '', environment];
}

export const organizations: OrganizationLookup = {
  find: (id) => ({
    disabled: id === '',
    requestsPerMinute: 1000,
    allowlist: createAddressList(['192.0.2.0/24']),
  }),
};
export const verify: ApiKeyLookup['verify'] = (record, { secret }) => record.id !== secret;

// @ts-expect-error without an audience every API's tokens would do
createGuard({ issuer: 'https://auth.example.com' });
// @ts-expect-error a misspelt policy would protect nothing
guard.protect({ scopes: ['orders:read'] });
// @ts-expect-error declarations that lost a type would let anything through
export const path: number = guard.metadataPath;
