import { GuardError, type RefusalDetails } from './errors.ts';
import { STRICT_TRANSPORT_SECURITY } from './https.ts';
import type { RefusalReason } from './refusals.ts';

/** Makes the errors of one guard: with its challenge, and with what every answer of its carries. */
export type Refuse = (
  reason: RefusalReason,
  details?: Omit<RefusalDetails, 'resourceMetadataUrl'>,
) => GuardError;

export function createRefuse(resourceMetadataUrl: string, requireHttps: boolean): Refuse {
  return (reason, details) => {
    const error = new GuardError(reason, { ...details, resourceMetadataUrl });
    // RFC 6797 §7.2: never over plain http, where anybody could have written it.
    if (requireHttps && reason !== 'https_required') {
      error.headers['Strict-Transport-Security'] = STRICT_TRANSPORT_SECURITY;
    }
    return error;
  };
}
