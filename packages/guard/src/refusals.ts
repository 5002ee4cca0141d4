import type { ErrorCode } from '@latchkey/protocol';

interface Refusal {
  /** The wire code; its status is the catalog's. */
  readonly code: ErrorCode;
  /** Public text. Says what to change, tells nothing that the caller does not know. */
  readonly description: string;
  /** Seconds after which to try again. */
  readonly retryAfter?: number;
}

const inHeaderOnly = 'Access tokens are accepted in the Authorization header only';

/** Every reason for which a guard turns a request away. Reasons are stable: log them, count them, switch on them. */
export const REFUSALS = {
  https_required: {
    code: 'https_required',
    description: 'Only https is accepted here: a credential that was sent over http is exposed, replace it',
  },
  token_in_url: {
    code: 'invalid_request',
    description: `${inHeaderOnly}, never in the URL, which logs and histories keep`,
  },
  api_key_in_url: {
    code: 'invalid_request',
    description:
      'API keys are accepted in the Authorization header only, never in the URL, which logs and histories keep: ' +
      'this key is exposed, rotate it',
  },
  credentials_missing: {
    code: 'unauthorized',
    description: 'Credentials are required: send Authorization: Bearer with an access token or API key',
  },
  credentials_repeated: {
    code: 'invalid_request',
    description: 'Send one Authorization header, not several',
  },
  credentials_malformed: {
    code: 'invalid_request',
    description: 'The Authorization header must read: Bearer, a space, the token or API key',
  },
  credentials_too_large: {
    code: 'invalid_request',
    description: 'The Authorization header may hold at most 8192 characters',
  },
  token_in_body: { code: 'invalid_request', description: `${inHeaderOnly}, never in the body` },
  api_keys_not_accepted: {
    code: 'invalid_token',
    description: 'API keys are not accepted here, send an access token',
  },
  credentials_kind_refused: {
    code: 'forbidden',
    description: 'Credentials of this kind are not allowed for this operation',
  },
  token_malformed: { code: 'invalid_token', description: 'The access token is malformed' },
  type_wrong: { code: 'invalid_token', description: 'The token is not a JWT access token' },
  algorithm_refused: {
    code: 'invalid_token',
    description: 'The access token is signed with an algorithm that is not accepted',
  },
  issuer_wrong: { code: 'invalid_token', description: 'The access token comes from another issuer' },
  audience_wrong: { code: 'invalid_token', description: 'The access token is meant for another API' },
  key_unknown: { code: 'invalid_token', description: 'The access token is signed with an unknown key' },
  signature_wrong: { code: 'invalid_token', description: 'The signature of the access token does not match' },
  token_expired: { code: 'invalid_token', description: 'Token expired' },
  token_not_yet_valid: { code: 'invalid_token', description: 'The access token is not valid yet' },
  claims_wrong: {
    code: 'invalid_token',
    description: 'A claim of the access token is missing or has the wrong type',
  },
  proof_required: {
    code: 'invalid_token',
    description: 'The access token is bound to a key and cannot be used as a bearer token',
  },
  token_revoked: { code: 'invalid_token', description: 'The access token has been revoked' },
  token_inactive: {
    code: 'invalid_token',
    description: 'The access token is unknown, expired, revoked or meant for another API',
  },
  api_key_malformed: {
    code: 'invalid_token',
    description: 'The API key is mistyped or cut short: copy the whole of it',
  },
  api_key_unknown: { code: 'invalid_token', description: 'The API key is unknown' },
  api_key_revoked: { code: 'invalid_token', description: 'The API key has been revoked' },
  api_key_expired: { code: 'invalid_token', description: 'The API key has expired' },
  api_key_inactive: { code: 'invalid_token', description: 'The API key is unknown, expired or revoked' },
  organization_unknown: {
    code: 'invalid_token',
    description: 'The organization of this credential does not exist any more',
  },
  organization_disabled: {
    code: 'invalid_token',
    description: 'The organization of this credential is disabled',
  },
  address_not_allowed: {
    code: 'forbidden',
    description: 'This credential or operation may not be used from your IP address',
  },
  limit_exceeded: {
    code: 'too_many_requests',
    description: 'Too many requests: wait for the seconds in Retry-After',
  },
  scope_insufficient: {
    code: 'insufficient_scope',
    description: 'The access token or API key lacks a scope that this needs',
  },
  keys_unavailable: {
    code: 'temporarily_unavailable',
    description: 'The access token cannot be checked at the moment, try again shortly',
    retryAfter: 2,
  },
  introspection_unavailable: {
    code: 'temporarily_unavailable',
    description:
      'The authorization server cannot be asked about this credential at the moment, try again shortly',
    retryAfter: 2,
  },
  credential_unavailable: {
    code: 'temporarily_unavailable',
    description: 'The credential cannot be checked at the moment, try again shortly',
    retryAfter: 2,
  },
} as const satisfies Record<string, Refusal>;

export type RefusalReason = keyof typeof REFUSALS;

export function refusalOf(reason: RefusalReason): Refusal {
  return REFUSALS[reason];
}
