import type { GuardError } from './errors.ts';

/** Public by RFC 9728 §3: browsers of any origin read it, and caches may keep it. */
export const METADATA_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'public, max-age=3600',
  'Access-Control-Allow-Origin': '*',
};

export function refusalHeaders(error: GuardError): Record<string, string> {
  return { ...error.headers, 'Cache-Control': 'no-store' };
}
