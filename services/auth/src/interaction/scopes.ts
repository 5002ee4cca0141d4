import type { ScopeView } from '@latchkey/pages';
import { OIDC_SCOPES } from '@latchkey/protocol';
import type { DurableStorage } from '@latchkey/storage';
import { type Seat, seatAllows } from './grant.ts';
import type { RequestedAuthority } from './requested.ts';

export interface ScopesInWords {
  identityScopes: ScopeView[];
  resources: { name: string; scopes: ScopeView[] }[];
  withheldScopes: ScopeView[];
}

/** Says what is asked for. Withheld is what no seat of the account allows. */
export async function describeRequested(
  resourceServers: DurableStorage['resourceServers'],
  requested: RequestedAuthority,
  seats: readonly NonNullable<Seat>[],
): Promise<ScopesInWords> {
  const allowed = (scope: string) => seats.some((seat) => seatAllows(seat, scope));
  const asked = await Promise.all(
    Object.entries(requested.resources).map(async ([identifier, names]) => {
      const server = await resourceServers.findByIdentifier(identifier);
      const scopes = names.map((name) => describeScope(name, server?.scopes ?? {}));
      return { name: server?.name ?? identifier, scopes };
    }),
  );
  return {
    identityScopes: requested.oidcScopes.map((name) => describeScope(name, OIDC_SCOPES)),
    resources: asked
      .map(({ name, scopes }) => ({ name, scopes: scopes.filter((scope) => allowed(scope.name)) }))
      .filter(({ scopes }) => scopes.length > 0),
    withheldScopes: asked.flatMap(({ scopes }) => scopes.filter((scope) => !allowed(scope.name))),
  };
}

function describeScope(name: string, words: Readonly<Record<string, string>>): ScopeView {
  const description = Object.hasOwn(words, name) ? words[name] : undefined;
  return { name, description: description || name, canChange: name.endsWith(':write') };
}
