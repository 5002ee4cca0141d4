/** An issuer for tests: keys of its own, tokens to order, and a JWK Set served through an injected fetch. */
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import {
  createGuard,
  type Guard,
  GuardError,
  type GuardedRequest,
  type GuardOptions,
  type Principal,
  type RoutePolicy,
} from '../src/index.ts';

export const ISSUER = 'https://auth.example.test';
export const AUDIENCE = 'https://api.example.test';
/** Where the clock of these tests stands unless it is moved: epoch seconds. */
export const NOW = 1_800_000_000;

export const CLAIMS = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'user_1',
  client_id: 'client_1',
  jti: 'token-1',
  iat: NOW - 10,
  exp: NOW + 3600,
  scope: 'orders:read orders:write',
  grant_id: 'grant_1',
  org_id: 'org_1',
  role: 'developer',
  plan: 'free',
  env: 'test',
};

export interface SigningKey {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  jwk: JWK;
}

export async function createKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export function sign(
  key: SigningKey,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT({ ...CLAIMS, ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header })
    .sign(key.privateKey);
}

export function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** What the issuer's JWK Set address answers, changeable at any time, and how often it was asked. */
export interface KeyServer {
  answer: () => Response | Promise<Response>;
  requests: number;
  publish(...keys: SigningKey[]): void;
}

export function createKeyServer(...keys: SigningKey[]): KeyServer {
  const server: KeyServer = {
    requests: 0,
    answer: () => Response.error(),
    publish(...published) {
      server.answer = () => Response.json({ keys: published.map(({ jwk }) => jwk) });
    },
  };
  server.publish(...keys);
  return server;
}

export interface TestGuard extends Guard {
  /** Epoch seconds. */
  clock: { seconds: number };
}

export function createTestGuard(server: KeyServer, options: Partial<GuardOptions> = {}): TestGuard {
  const clock = { seconds: NOW };
  const guard = createGuard({
    issuer: ISSUER,
    audience: AUDIENCE,
    now: () => clock.seconds * 1000,
    fetch: async () => {
      server.requests += 1;
      return server.answer();
    },
    ...options,
  });
  return { ...guard, clock };
}

/** A request by https, from an address of documentation's, with nothing in it but what is given. */
export function requestOf(parts: Partial<GuardedRequest> = {}): GuardedRequest {
  return {
    authorization: undefined,
    path: '/orders',
    query: '',
    remoteAddress: '192.0.2.1',
    encrypted: true,
    forwardedFor: undefined,
    forwardedProto: undefined,
    ...parts,
  };
}

/** Whom the guard takes the request for, on a route that asks nothing else. */
export async function identify(guard: Guard, authorization: string): Promise<Principal> {
  return (await guard.protect()(requestOf({ authorization }))).principal;
}

/** The reason for a refusal, `accepted`, or whatever else was thrown. */
export async function outcomeOf(
  guard: Guard,
  parts: Partial<GuardedRequest>,
  policy?: RoutePolicy,
): Promise<string> {
  try {
    await guard.protect(policy)(requestOf(parts));
    return 'accepted';
  } catch (error) {
    return error instanceof GuardError ? error.reason : `threw ${String(error)}`;
  }
}

export function outcome(
  guard: Guard,
  authorization: GuardedRequest['authorization'],
  query = '',
): Promise<string> {
  return outcomeOf(guard, { authorization, query });
}

/** The refusal itself, of a request that must be refused. */
export async function refusalOf(
  guard: Guard,
  parts: Partial<GuardedRequest>,
  policy?: RoutePolicy,
): Promise<GuardError> {
  try {
    await guard.protect(policy)(requestOf(parts));
  } catch (error) {
    if (error instanceof GuardError) return error;
    throw error;
  }
  throw new Error('not refused');
}
