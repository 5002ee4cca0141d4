import type { Logger } from '@latchkey/service';
import Provider, {
  type AccessToken,
  type ClientCredentials,
  errors,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import type { Audit } from '../audit.ts';

declare module 'koa' {
  interface DefaultState {
    /** What the library answered with an error, for the middlewares around it. */
    libraryError?: Error;
  }
}

const ERROR_EVENTS = [
  'server_error',
  'authorization.error',
  'end_session.error',
  'end_session_confirm.error',
  'end_session_success.error',
  'grant.error',
  'introspection.error',
  'revocation.error',
  'userinfo.error',
] as const;

type Listen = (event: string, listener: (...args: never[]) => void) => void;

/**
 * Follows what the library does. Issued access tokens are not audited one by one: they are as many as requests,
 * and the grant or the client they come from is on record.
 */
export function followEvents(provider: Provider, { audit, logger }: { audit: Audit; logger: Logger }): void {
  const on: Listen = provider.on.bind(provider);
  followErrors(on, logger);
  followRevocations(on, audit);
  on('authorization.success', (ctx: KoaContextWithOIDC) => {
    void audit.record({
      action: 'authorization.granted',
      result: 'success',
      actor: { type: 'account', id: ctx.oidc.account?.accountId ?? null },
      ...describe(ctx, ctx.oidc.grant?.jti),
    });
  });
  on('grant.revoked', (ctx: KoaContextWithOIDC, grantId: string) => {
    // The token endpoint revokes for one reason: a code or refresh token that was used up came again, so somebody has
    // a copy of it.
    const replayed = ctx.oidc.route === 'token';
    if (replayed) {
      const { requestId } = ctx.state;
      const clientId = ctx.oidc.client?.clientId;
      logger.warn(
        { request_id: requestId, client_id: clientId, grant_id: grantId, ip: ctx.ip },
        'code or refresh token replayed; its grant is revoked',
      );
    }
    void audit.record({
      action: replayed ? 'grant.replay_detected' : 'grant.revoked',
      result: replayed ? 'failure' : 'success',
      actor: { type: 'client', id: ctx.oidc.client?.clientId ?? null },
      ...describe(ctx, grantId),
    });
  });
}

function followErrors(on: Listen, logger: Logger): void {
  for (const event of ERROR_EVENTS) {
    on(event, (ctx: KoaContextWithOIDC, error: Error) => {
      ctx.state.libraryError = error;
      const clientId = ctx.oidc.client?.clientId ?? asClientId(ctx.oidc.params?.client_id);
      const about = { request_id: ctx.state.requestId, client_id: clientId };
      if (error.message === 'invalid_client') {
        logger.warn({ ...about, err: error }, 'client not authenticated');
      } else if (event === 'grant.error' && error instanceof errors.OIDCProviderError) {
        // The answer is alike for all that can be wrong with a code or token. The detail is the library's or our own
        // text, and has nothing of what was sent.
        const { error: code, error_detail: detail } = error;
        logger.info({ ...about, error: code, detail }, 'token request refused');
      } else {
        logger.debug({ ...about, err: error }, event);
      }
    });
  }
}

/** Of opaque tokens; JWTs are ours to revoke (`revocation.ts`). Their ids are their values, so none is named. */
function followRevocations(on: Listen, audit: Audit): void {
  const record = (token: AccessToken | ClientCredentials) => {
    const { ctx } = Provider;
    if (ctx?.oidc.route !== 'revocation') return;
    const organizationId = token.extra?.org_id;
    void audit.record({
      action: 'token.revoked',
      result: 'success',
      actor: { type: 'client', id: ctx.oidc.client?.clientId ?? null },
      ...describe(ctx, 'grantId' in token ? token.grantId : undefined),
      ...(typeof organizationId === 'string' && { organizationId }),
    });
  };
  on('access_token.destroyed', record);
  on('client_credentials.destroyed', record);
}

/** What has the form of our ids: people paste secrets into the wrong field. */
function asClientId(value: unknown): string | undefined {
  return typeof value === 'string' && /^client_\w{1,64}$/.test(value) ? value : undefined;
}

function describe(ctx: KoaContextWithOIDC, grantId: string | undefined) {
  const { client } = ctx.oidc;
  const grant = ctx.oidc.grant as { organizationId?: string | null } | undefined;
  return {
    target: grantId === undefined ? null : { type: 'grant', id: grantId },
    organizationId: grant?.organizationId ?? ctx.state.grantOrganizationId ?? null,
    ip: ctx.ip,
    requestId: ctx.state.requestId,
    details: { ...(client && { client_id: client.clientId }), route: ctx.oidc.route },
  };
}
