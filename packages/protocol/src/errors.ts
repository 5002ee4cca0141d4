/**
 * Every error code that leaves a Latchkey process, with its HTTP status. ERRORS.md lists the same codes
 * for people; a test holds the two together.
 */
export interface ErrorDefinition {
  /** HTTP status of the answer. */
  readonly status: number;
  /** Where the code is defined: an RFC section, or "Latchkey". */
  readonly source: string;
  /** Default public text. Short, and free of anything private. */
  readonly description: string;
}

export const ERRORS = {
  // RFC 6749 §5.2, §4.1.2.1
  invalid_request: { status: 400, source: 'RFC 6749 §5.2', description: 'The request is malformed' },
  invalid_client: { status: 401, source: 'RFC 6749 §5.2', description: 'Client authentication failed' },
  invalid_grant: {
    status: 400,
    source: 'RFC 6749 §5.2',
    description: 'The grant is invalid, expired or revoked',
  },
  unauthorized_client: {
    status: 400,
    source: 'RFC 6749 §5.2',
    description: 'The client may not use this grant type',
  },
  unsupported_grant_type: {
    status: 400,
    source: 'RFC 6749 §5.2',
    description: 'The grant type is not supported',
  },
  unsupported_response_type: {
    status: 400,
    source: 'RFC 6749 §4.1.2.1',
    description: 'The response type is not supported',
  },
  invalid_scope: {
    status: 400,
    source: 'RFC 6749 §5.2',
    description: 'The scope is invalid, unknown or not allowed',
  },
  access_denied: { status: 400, source: 'RFC 6749 §4.1.2.1', description: 'The request was denied' },
  server_error: { status: 500, source: 'RFC 6749 §4.1.2.1', description: 'Something went wrong on our side' },
  temporarily_unavailable: {
    status: 503,
    source: 'RFC 6749 §4.1.2.1',
    description: 'Temporarily unavailable, try again shortly',
  },
  // RFC 6750 §3.1
  invalid_token: { status: 401, source: 'RFC 6750 §3.1', description: 'The access token is invalid' },
  insufficient_scope: {
    status: 403,
    source: 'RFC 6750 §3.1',
    description: 'The access token lacks the scope this needs',
  },
  // RFC 8707 §2, RFC 7009 §2.2.1
  invalid_target: {
    status: 400,
    source: 'RFC 8707 §2',
    description: 'The resource is unknown or not allowed',
  },
  unsupported_token_type: {
    status: 400,
    source: 'RFC 7009 §2.2.1',
    description: 'The token type is not supported',
  },
  // The API's own
  unauthorized: { status: 401, source: 'Latchkey', description: 'Credentials are required' },
  forbidden: { status: 403, source: 'Latchkey', description: 'This is not allowed' },
  https_required: {
    status: 403,
    source: 'Latchkey',
    description: 'Only https is accepted here',
  },
  not_found: { status: 404, source: 'Latchkey', description: 'There is nothing here' },
  method_not_allowed: { status: 405, source: 'Latchkey', description: 'The method is not allowed here' },
  conflict: { status: 409, source: 'Latchkey', description: 'The request conflicts with the current state' },
  idempotency_key_reused: {
    status: 409,
    source: 'Latchkey',
    description: 'This Idempotency-Key was used with another request',
  },
  idempotency_in_progress: {
    status: 409,
    source: 'Latchkey',
    description: 'The first request with this Idempotency-Key has not been answered',
  },
  payload_too_large: { status: 413, source: 'Latchkey', description: 'The request body is too large' },
  unsupported_media_type: {
    status: 415,
    source: 'Latchkey',
    description: 'The content type is not supported',
  },
  misdirected_request: {
    status: 421,
    source: 'RFC 9110 §15.5.20',
    description: 'This host is not served here',
  },
  invalid_body: { status: 422, source: 'Latchkey', description: 'The body has invalid fields' },
  too_many_requests: { status: 429, source: 'RFC 6585 §4', description: 'Too many requests' },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof ERRORS;

/** The body of every error answer of the API: RFC 6749 §5.2 plus the request id to quote to support. */
export interface ErrorBody {
  error: ErrorCode;
  error_description: string;
  request_id?: string;
  /** What is wrong, by field: on `invalid_body`, and on `invalid_request` for a query. */
  fields?: { field: string; message: string }[];
}
