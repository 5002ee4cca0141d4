import { HttpError } from '@latchkey/service';
import type Koa from 'koa';
import { isApiKey } from '../api-keys/api-keys.ts';
import type { RevokeApiKey } from '../api-keys/revocation.ts';
import type { Audit } from '../audit.ts';
import type { AccessTokenVerifier } from './access-tokens.ts';
import type { Authority } from './grants.ts';
import { answerOwnTokens } from './own-tokens.ts';

/**
 * Revocation of API keys, and of JWT access tokens (RFC 7009): ends that one token. Its grant stays, so that an application can
 * throw away an access token without signing the person out; revoking the refresh token ends the grant.
 */
export function createRevocation(deps: {
  verifier: AccessTokenVerifier;
  authority: Authority;
  audit: Audit;
  revokeApiKey: RevokeApiKey;
}): Koa.Middleware {
  const { verifier, authority, audit, revokeApiKey } = deps;
  return answerOwnTokens('revocation', async (ctx, { client, token }) => {
    if (isApiKey(token)) return revokeApiKey(ctx, token);
    const claims = await verifier.verify(token);
    // §2.2: a token that is not valid is as good as revoked.
    if (claims) {
      if (claims.client_id !== client.clientId) {
        throw new HttpError('invalid_request', { description: 'The token was issued to another client' });
      }
      await authority.revokeToken({ jti: claims.jti, expiresAt: new Date(claims.exp * 1000) });
      await audit.record({
        action: 'token.revoked',
        result: 'success',
        actor: { type: 'client', id: client.clientId },
        target: { type: 'token', id: claims.jti },
        organizationId: claims.org_id ?? null,
        ip: ctx.ip,
        requestId: ctx.state.requestId,
      });
    }
    ctx.status = 200;
    ctx.body = '';
  });
}

/**
 * The body of a revocation's answer is empty, and so it has no type: with `text/plain` on it oidc-client-ts and
 * simple-oauth2 try to read it, and throw.
 */
export function untypedRevocation(path: string): Koa.Middleware {
  return async function untyped(ctx, next) {
    await next();
    if (ctx.path === path && ctx.status === 200 && ctx.body === '') ctx.remove('Content-Type');
  };
}
