import { ERRORS, type ErrorBody, type ErrorCode, formatChallenge } from '@latchkey/protocol';

interface Refusal {
  /** The wire code; its status is the catalog's. */
  readonly code: ErrorCode;
  /** Public text. Says what to change, tells nothing that the caller does not know. */
  readonly description: string;
}

const inHeaderOnly = 'Access tokens are accepted in the Authorization header only';

/** Every reason for which a guard turns a request away. Reasons are stable: log them, count them, switch on them. */
export const REFUSALS = {
  credentials_missing: { code: 'unauthorized', description: 'Credentials are required' },
  credentials_repeated: {
    code: 'invalid_request',
    description: 'Send one Authorization header, not several',
  },
  credentials_malformed: {
    code: 'invalid_request',
    description: 'The Authorization header must read: Bearer, a space, the token',
  },
  credentials_too_large: {
    code: 'invalid_request',
    description: 'The Authorization header may hold at most 8192 characters',
  },
  token_in_url: { code: 'invalid_request', description: `${inHeaderOnly}, never in the URL` },
  token_in_body: { code: 'invalid_request', description: `${inHeaderOnly}, never in the body` },
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
  scope_insufficient: {
    code: 'insufficient_scope',
    description: 'The access token lacks the scope this needs',
  },
  keys_unavailable: {
    code: 'temporarily_unavailable',
    description: 'The access token cannot be checked at the moment, try again shortly',
  },
} as const satisfies Record<string, Refusal>;

export type RefusalReason = keyof typeof REFUSALS;

/** The only error that a guard throws for a request, whatever the request holds. */
export class GuardError extends Error {
  override name = 'GuardError';
  readonly reason: RefusalReason;
  /** The wire code of RFC 6750 §3.1, or the catalog's. */
  readonly code: ErrorCode;
  readonly status: number;
  /** Public text. */
  readonly description: string;
  /** What goes with the answer: `WWW-Authenticate`, or `Retry-After`. */
  readonly headers: Record<string, string>;

  constructor(
    reason: RefusalReason,
    options: { resourceMetadataUrl?: string | undefined; scope?: string; cause?: unknown } = {},
  ) {
    const { code, description } = REFUSALS[reason];
    super(description, { cause: options.cause });
    this.reason = reason;
    this.code = code;
    this.status = ERRORS[code].status;
    this.description = description;
    this.headers =
      reason === 'keys_unavailable'
        ? { 'Retry-After': '2' }
        : { 'WWW-Authenticate': challenge(reason, options.resourceMetadataUrl, options.scope) };
  }

  toBody(): ErrorBody {
    return { error: this.code, error_description: this.description };
  }
}

/** A request without credentials gets no error code: its sender may not have known (RFC 6750 §3.1). */
function challenge(
  reason: RefusalReason,
  metadataUrl: string | undefined,
  scope: string | undefined,
): string {
  const { code, description } = REFUSALS[reason];
  const error = reason === 'credentials_missing' ? {} : { error: code, error_description: description };
  return formatChallenge('Bearer', {
    ...error,
    ...(scope ? { scope } : {}),
    ...(metadataUrl ? { resource_metadata: metadataUrl } : {}),
  });
}
