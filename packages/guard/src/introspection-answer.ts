import { hash } from 'node:crypto';
import {
  type AccessTokenClaims,
  type AddressList,
  createAddressList,
  type ParsedApiKey,
  parseScope,
} from '@latchkey/protocol';
import { hasClaimTypes, refuseAddressee } from './claims.ts';
import { createHolder, type Holder } from './holder.ts';
import type { IntrospectionAnswer } from './introspection.ts';
import { planTerms } from './organizations.ts';
import { toPrincipal } from './principal.ts';
import type { RefusalReason } from './refusals.ts';
import { freezeScopes } from './scopes.ts';
import type { ValidationRules } from './validate.ts';

export interface Introspected {
  readonly holder: Holder;
  /** Absent for API keys, which no list of revoked tokens names. */
  readonly claims: AccessTokenClaims | undefined;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export type Judgement = Introspected | { refused: RefusalReason };

/**
 * Reads what RFC 7662 §2.2 says about a token that is active: an access token for us, free to be used by its bearer.
 * @throws {TypeError} or {RangeError} on an answer that cannot be read: the server's fault, not the credential's
 */
export function acceptToken(
  answer: IntrospectionAnswer,
  token: string,
  rules: ValidationRules,
  nowSeconds: number,
): Judgement {
  const refused = refuseAnswer(answer, rules) ?? refuseUse(answer, nowSeconds + rules.clockToleranceSeconds);
  if (refused) return { refused };
  const { exp = Number.POSITIVE_INFINITY, iat = 0 } = answer;
  const claims = {
    ...answer,
    iss: rules.issuer,
    aud: rules.audience,
    // A client on its own has no subject but itself; opaque tokens have no `jti` that could be shown.
    sub: answer.sub ?? answer.client_id,
    client_id: answer.client_id ?? answer.sub,
    jti: answer.jti ?? hash('sha256', token, 'base64url'),
    exp,
    iat,
  };
  if (typeof iat !== 'number' || !hasClaimTypes(claims)) throw malformed('claims');
  return { holder: createHolder(toPrincipal(claims), readTerms(answer)), claims, expiresAt: exp * 1000 };
}

/** Reads what our introspection endpoint says about an API key. Throws as `acceptToken` does. */
export function acceptApiKey(
  answer: IntrospectionAnswer,
  key: ParsedApiKey,
  rules: ValidationRules,
): Judgement {
  const refused = refuseAnswer(answer, rules);
  if (refused) return { refused };
  const {
    token_type,
    sub,
    env = key.environment,
    org_id,
    scope = '',
    exp = Number.POSITIVE_INFINITY,
  } = answer;
  const isKey = token_type === 'api_key' && sub === key.id && env === key.environment;
  if (!isKey || typeof scope !== 'string') throw malformed('API key');
  if (org_id !== undefined && (typeof org_id !== 'string' || org_id === '')) throw malformed('org_id');
  const principal = Object.freeze({
    kind: 'api_key' as const,
    apiKeyId: key.id,
    credentialId: key.id,
    ...(org_id === undefined ? {} : { organizationId: org_id }),
    environment: key.environment,
    scopes: freezeScopes(parseScope(scope)),
  });
  return { holder: createHolder(principal, readTerms(answer)), claims: undefined, expiresAt: exp * 1000 };
}

/** Issuer and audience are optional in an answer; where they are told, they are ours. */
function refuseAnswer(answer: IntrospectionAnswer, { issuer, audience }: ValidationRules) {
  const { iss = issuer, aud = audience } = answer;
  return refuseAddressee({ iss, aud }, issuer, audience);
}

function refuseUse(answer: IntrospectionAnswer, latest: number): RefusalReason | undefined {
  const { token_type, token_use = 'access_token', cnf, nbf = latest } = answer;
  const type = typeof token_type === 'string' ? token_type.toLowerCase() : '';
  // RFC 7800 §3.1, RFC 9449 §6.2: whoever only holds the token has not shown that he holds the key.
  if (cnf !== undefined || type === 'dpop') return 'proof_required';
  // A refresh token is active, too: servers tell it by the type that it lacks, or by its use.
  if (type !== 'bearer' || token_use !== 'access_token') return 'type_wrong';
  return typeof nbf === 'number' && nbf <= latest ? undefined : 'token_not_yet_valid';
}

/** What confines a credential and cannot be read must not be passed over: these throw. */
function readTerms(
  answer: IntrospectionAnswer,
): Pick<Holder, 'allowlist' | 'requestsPerMinute' | 'organization'> {
  const plan = typeof answer.plan === 'string' ? answer.plan : undefined;
  const organization = {
    allowlist: readAllowlist(answer.organization_ip_allowlist),
    requestsPerMinute: readLimit(answer.organization_rate_limit) ?? planTerms(plan)?.requestsPerMinute,
  };
  return {
    allowlist: readAllowlist(answer.ip_allowlist),
    requestsPerMinute: readLimit(answer.rate_limit),
    organization,
  };
}

function readAllowlist(value: unknown): AddressList | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw malformed('allowlist');
  return createAddressList(value.map(String));
}

function readLimit(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) throw malformed('rate limit');
  return value;
}

function malformed(what: string): TypeError {
  return new TypeError(`the introspection endpoint's answer cannot be read: ${what}`);
}
