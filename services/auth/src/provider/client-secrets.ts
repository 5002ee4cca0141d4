import { timingSafeEqual } from 'node:crypto';
import type { ParsedUrlQuery } from 'node:querystring';
import { type Client as ClientRecord, digestSecret } from '@latchkey/storage';
import { decodeJwt } from 'jose';
import type Provider from 'oidc-provider';
import type { Client } from 'oidc-provider';
import type { LibraryClients } from './clients.ts';
import type { Directory } from './directory.ts';
import type { PostedForm } from './posted-form.ts';

export interface SecretsOptions {
  pepper: Buffer;
  now: () => Date;
}

/**
 * Compares a client secret with the digests of all live ones. Every digest is compared, each in constant time, so
 * that the time taken tells neither how near a guess came nor which secret it was.
 */
function hasSecret({ secrets }: ClientRecord, secret: string, { pepper, now }: SecretsOptions): boolean {
  const candidate = digestSecret(pepper, secret);
  const time = now().getTime();
  return secrets
    .filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > time)
    .map(({ digest }) => digest.length === candidate.length && timingSafeEqual(digest, candidate))
    .includes(true);
}

/** Gives the library our digests to compare with, in place of a secret that it would have to know. */
export function installClientSecrets(
  provider: Provider,
  { clients, ...options }: SecretsOptions & { clients: LibraryClients },
): void {
  provider.Client.prototype.compareClientSecret = function compareClientSecret(this: Client, secret: string) {
    return hasSecret(clients.recordOf(this), secret, options);
  };
}

/** What a request brings to authenticate its client with. */
export interface PresentedCredentials {
  authorization: string | undefined;
  form: ParsedUrlQuery;
}

/** The client that a request proves to be by its secret (RFC 6749 §2.3.1); undefined for everything else. */
export type FindBySecret = (presented: PresentedCredentials) => Promise<ClientRecord | undefined>;

export function createFindBySecret(directory: Directory, options: SecretsOptions): FindBySecret {
  return async (presented) => {
    const credentials = readCredentials(presented);
    if (!credentials) return undefined;
    const client = await directory.findClient(credentials.clientId);
    if (!client?.metadata.token_endpoint_auth_method.startsWith('client_secret_')) return undefined;
    return hasSecret(client, credentials.secret, options) ? client : undefined;
  };
}

/**
 * The client that a request says it is from (RFC 6749 §2.3.1, RFC 7521 §4.2). Nothing is proven by it, and people paste
 * secrets into the wrong field: not to be stored or logged as it is.
 */
export function claimedClientId(
  authorization: string | undefined,
  posted: PostedForm | undefined,
): string | undefined {
  const { client_id: id, client_assertion: assertion } = posted?.parameters ?? {};
  return (
    (authorization === undefined ? undefined : readBasic(authorization)?.clientId) ??
    (typeof id === 'string' ? id : undefined) ??
    (typeof assertion === 'string' ? readSubject(assertion) : undefined)
  );
}

function readSubject(assertion: string): string | undefined {
  try {
    // Unverified, so it may be anything that JSON can say.
    const { sub }: { sub?: unknown } = decodeJwt(assertion);
    return typeof sub === 'string' ? sub : undefined;
  } catch {
    // No JWT, so it claims nothing. The library refuses it.
    return undefined;
  }
}

interface Credentials {
  clientId: string;
  secret: string;
}

/** Undefined unless there is exactly one id and one secret, by exactly one of the two ways. */
function readCredentials({ authorization, form }: PresentedCredentials): Credentials | undefined {
  const { client_id: clientId, client_secret: secret, client_assertion: assertion } = form;
  if (assertion !== undefined) return undefined;
  if (authorization === undefined) {
    return typeof clientId === 'string' && typeof secret === 'string' ? { clientId, secret } : undefined;
  }
  const basic = secret === undefined ? readBasic(authorization) : undefined;
  return clientId === undefined || clientId === basic?.clientId ? basic : undefined;
}

function readBasic(authorization: string): Credentials | undefined {
  const encoded = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  const pair = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon === -1) return undefined;
  try {
    return { clientId: formDecode(pair.slice(0, colon)), secret: formDecode(pair.slice(colon + 1)) };
  } catch {
    return undefined;
  }
}

/** RFC 6749 appendix B. @throws {URIError} on a malformed escape */
function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
