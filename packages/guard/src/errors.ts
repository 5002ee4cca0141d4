import { ERRORS, type ErrorBody, type ErrorCode, formatChallenge } from '@latchkey/protocol';
import type { Principal } from './principal.ts';
import { type RefusalReason, refusalOf } from './refusals.ts';

export interface RefusalDetails {
  /** RFC 9728 §5.1: where the client learns which authorization server to go to. */
  resourceMetadataUrl?: string | undefined;
  /** Space-delimited: what the resource needs (RFC 6750 §3). */
  scope?: string;
  /** Those of them that the credential lacks: the description names them. */
  missingScopes?: readonly string[];
  /** Beside the challenge: where the limits stand. */
  headers?: Readonly<Record<string, string>>;
  /** Who asked, where that was verified before the request was refused. */
  principal?: Principal;
  cause?: unknown;
}

/** The only error that a guard throws for a request, whatever the request holds. */
export class GuardError extends Error {
  override name = 'GuardError';
  readonly reason: RefusalReason;
  /** The wire code of RFC 6750 §3.1, or the catalog's. */
  readonly code: ErrorCode;
  readonly status: number;
  /** Public text. */
  readonly description: string;
  /** What goes with the answer: `WWW-Authenticate` or `Retry-After`, rate limits, HSTS. */
  readonly headers: Record<string, string>;
  /** Who asked, where that was verified before the request was refused: for counts and logs. */
  readonly principal: Principal | undefined;

  constructor(reason: RefusalReason, details: RefusalDetails = {}) {
    const { code, description, retryAfter } = refusalOf(reason);
    const words = details.missingScopes ? `${description}: ${details.missingScopes.join(' ')}` : description;
    super(words, { cause: details.cause });
    this.reason = reason;
    this.code = code;
    this.status = ERRORS[code].status;
    this.description = words;
    this.principal = details.principal;
    this.headers = { ...details.headers };
    if (retryAfter !== undefined) this.headers['Retry-After'] = String(retryAfter);
    if (this.status < 429) this.headers['WWW-Authenticate'] = challenge(this, details);
  }

  toBody(): ErrorBody {
    return { error: this.code, error_description: this.description };
  }
}

/** The codes that a challenge may name (RFC 6750 §3.1). */
const CHALLENGE_CODES: ReadonlySet<ErrorCode> = new Set([
  'invalid_request',
  'invalid_token',
  'insufficient_scope',
]);

/** A request without credentials gets no error code: its sender may not have known (RFC 6750 §3.1). */
function challenge({ code, description }: GuardError, details: RefusalDetails): string {
  const { scope, resourceMetadataUrl } = details;
  return formatChallenge('Bearer', {
    ...(CHALLENGE_CODES.has(code) ? { error: code, error_description: description } : {}),
    ...(scope ? { scope } : {}),
    ...(resourceMetadataUrl ? { resource_metadata: resourceMetadataUrl } : {}),
  });
}
