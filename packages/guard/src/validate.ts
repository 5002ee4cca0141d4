import type { AccessTokenClaims } from '@latchkey/protocol';
import { compactVerify } from 'jose';
import { hasClaimTypes, refuseAddressee, refuseTime } from './claims.ts';
import type { Jwks } from './jwks.ts';
import type { Algorithm, VerificationKey } from './keys.ts';
import type { RefusalReason } from './refusals.ts';
import { type JsonObject, parseToken } from './token.ts';

export interface ValidationRules {
  issuer: string;
  audience: string;
  algorithms: readonly Algorithm[];
  clockToleranceSeconds: number;
}

export type ValidToken = { claims: AccessTokenClaims; key: VerificationKey };
export type Validation = ValidToken | { refused: RefusalReason; cause?: unknown };

/** Validates a JWT access token in the order of RFC 9068 §4. Revocation and scopes are the caller's. */
export async function validateToken(
  token: string,
  rules: ValidationRules,
  jwks: Jwks,
  now: () => number,
): Promise<Validation> {
  const parsed = parseToken(token);
  if ('refused' in parsed) return parsed;
  const { header, payload } = parsed;
  const refusedHeader = refuseHeader(header, rules.algorithms);
  if (refusedHeader) return { refused: refusedHeader };
  // Before the signature, as in §4: another issuer's token must not make us fetch keys.
  const refusedAddressee = refuseAddressee(payload, rules.issuer, rules.audience);
  if (refusedAddressee) return { refused: refusedAddressee };
  const verified = await verifySignature(token, header, jwks);
  if ('refused' in verified) return verified;
  const refusedTime = refuseTime(payload, now() / 1000, rules.clockToleranceSeconds);
  if (refusedTime) return { refused: refusedTime };
  // RFC 7800 §3.1: whoever only holds the token has not shown that he holds the key.
  if (payload.cnf !== undefined) return { refused: 'proof_required' };
  return hasClaimTypes(payload) ? { claims: payload, key: verified.key } : { refused: 'claims_wrong' };
}

/** `jwk`, `jku`, `x5u` and `x5c` are never looked at: a token does not bring its own key (RFC 8725 §3.10). */
function refuseHeader(header: JsonObject, algorithms: readonly Algorithm[]): RefusalReason | undefined {
  // RFC 9068 §4, RFC 8725 §3.11: an ID token or anything else we sign is no access token.
  const { typ } = header;
  if (typeof typ !== 'string' || !/^(application\/)?at\+jwt$/i.test(typ)) return 'type_wrong';
  // RFC 8725 §3.1: by list, never the token's choice. RFC 7515 §4.1.11: extensions we do not know are fatal.
  if (!algorithms.some((name) => name === header.alg)) return 'algorithm_refused';
  return header.crit === undefined && typeof header.kid === 'string' ? undefined : 'token_malformed';
}

type Signature = { key: VerificationKey } | { refused: RefusalReason; cause?: unknown };

async function verifySignature(token: string, header: JsonObject, jwks: Jwks): Promise<Signature> {
  const kid = String(header.kid);
  let key = jwks.find(kid);
  if (!key) {
    const fetched = await jwks.refetch();
    key = jwks.find(kid);
    // While the issuer is away an unknown key may well be its new one: nobody should throw away a good token.
    if (!key) return { refused: fetched ? 'key_unknown' : 'keys_unavailable' };
  }
  if (key.algorithm !== header.alg) return { refused: 'algorithm_refused' };
  try {
    await compactVerify(token, key.publicKey, { algorithms: [key.algorithm] });
    return { key };
  } catch (cause) {
    return { refused: 'signature_wrong', cause };
  }
}
