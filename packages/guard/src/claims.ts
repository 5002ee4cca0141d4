import type { AccessTokenClaims } from '@latchkey/protocol';
import type { RefusalReason } from './refusals.ts';
import type { JsonObject } from './token.ts';

/** RFC 9068 §4: `iss` is exactly the issuer's identifier, `aud` contains this resource's. */
export function refuseAddressee(
  payload: JsonObject,
  issuer: string,
  audience: string,
): RefusalReason | undefined {
  if (payload.iss !== issuer) return 'issuer_wrong';
  const { aud } = payload;
  const isOurs = aud === audience || (Array.isArray(aud) && aud.includes(audience));
  return isOurs ? undefined : 'audience_wrong';
}

/** @param nowSeconds and `toleranceSeconds` forgive an issuer whose clock is ahead; an expiry is never stretched */
export function refuseTime(
  payload: JsonObject,
  nowSeconds: number,
  toleranceSeconds: number,
): RefusalReason | undefined {
  const { exp, nbf, iat } = payload;
  // RFC 9068 §2.2 requires exp and iat; nbf is RFC 7519 §4.1.5.
  if (!isInstant(exp) || !isInstant(iat)) return 'claims_wrong';
  if (nowSeconds >= exp) return 'token_expired';
  if (nbf !== undefined && !isInstant(nbf)) return 'claims_wrong';
  const latest = nowSeconds + toleranceSeconds;
  return iat > latest || (nbf !== undefined && nbf > latest) ? 'token_not_yet_valid' : undefined;
}

/** Types of the claims that RFC 9068 §2.2 requires, and of Latchkey's own where they are present. */
export function hasClaimTypes(payload: JsonObject): payload is JsonObject & AccessTokenClaims {
  return (
    isName(payload.sub) &&
    isName(payload.client_id) &&
    isName(payload.jti) &&
    isOptional(payload.scope, isText) &&
    isOptional(payload.grant_id, isName) &&
    isOptional(payload.org_id, isName) &&
    isOptional(payload.role, isText) &&
    isOptional(payload.plan, isText) &&
    isOptional(payload.env, (env) => env === 'live' || env === 'test')
  );
}

const isText = (value: unknown) => typeof value === 'string';
const isName = (value: unknown) => typeof value === 'string' && value !== '';
const isInstant = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function isOptional(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === undefined || is(value);
}
