import type { AccessTokenClaims } from '@latchkey/protocol';
import type Koa from 'koa';
import type { AccessTokenVerifier } from './access-tokens.ts';
import type { RevocationStatus } from './revocation-status.ts';
import { answerStructuredTokens } from './structured-tokens.ts';
import { subjectsOfClaims, type TokenPolicy } from './token-policy.ts';

/**
 * Introspection of JWT access tokens (RFC 7662). The signature is checked once per token, revocation every time
 * and in the durable record: a revoked token is dead here at once.
 */
export function createIntrospection(deps: {
  verifier: AccessTokenVerifier;
  policy: TokenPolicy;
  status: RevocationStatus;
}): Koa.Middleware {
  const { verifier, policy, status } = deps;
  return answerStructuredTokens('introspection', async (ctx, { client, token }) => {
    const claims = await verifier.verify(token);
    const active =
      claims !== undefined &&
      (await policy.mayIntrospect(client.clientId, { clientId: claims.client_id, aud: claims.aud })) &&
      !(await status.isRevoked(subjectsOfClaims(claims)));
    ctx.status = 200;
    // RFC 7662 §2.2: nothing but this about a token that is not active, or none of the caller's business.
    ctx.body = active ? describe(claims) : { active: false };
  });
}

function describe(claims: AccessTokenClaims): Record<string, unknown> {
  return { active: true, token_type: claims.cnf ? undefined : 'Bearer', ...claims };
}
