import type { ExposedKey, Exposure } from './exposure.ts';
import type { Verifiers } from './identification.ts';
import type { Principal } from './principal.ts';

/** A real API key that came in a URL. */
export interface KeyExposure {
  readonly apiKeyId: string;
  /** Absent where the authorization server does not tell. */
  readonly organizationId: string | undefined;
  readonly where: 'query' | 'path';
  /** Of the client, through trusted proxies. */
  readonly address: string | undefined;
  /** The request's, where the service gave it one. */
  readonly requestId: string | undefined;
}

/** Of the request that a key came with. */
export type Circumstances = Pick<KeyExposure, 'address' | 'requestId'>;

/**
 * Tells of exposed keys whose secret is right: of others there is nobody to tell, and whoever made them up would fill
 * the log. No request waits for it.
 */
export function createExposureReport(
  { lookup, introspected }: Verifiers,
  onExposure: ((exposure: KeyExposure) => void) | undefined,
): (exposure: Exposure, circumstances: Circumstances) => void {
  async function identify({ text, key }: ExposedKey): Promise<KeyOwner | undefined> {
    if (lookup === undefined) return (await introspected?.verifyApiKey(text, key))?.principal;
    const record = await lookup.identify(key);
    return record && { apiKeyId: record.id, organizationId: record.organizationId };
  }

  async function report(exposed: ExposedKey, where: Exposure['where'], circumstances: Circumstances) {
    const owner = await identify(exposed);
    if (owner?.apiKeyId === undefined) return;
    onExposure?.({ apiKeyId: owner.apiKeyId, organizationId: owner.organizationId, where, ...circumstances });
  }

  return ({ exposed, where }, circumstances) => {
    if (exposed === undefined || onExposure === undefined) return;
    // Of a key that cannot be looked up now, or is no live one to the server, nobody can be told.
    report(exposed, where, circumstances).catch(() => {});
  };
}

type KeyOwner = Pick<Principal, 'apiKeyId' | 'organizationId'>;
