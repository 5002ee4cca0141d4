/** An issuer for tests: keys of its own, tokens to order, and a JWK Set served through an injected fetch. */
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { createGuard, type Guard, type GuardOptions } from '../src/index.ts';

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

/** The reason for a refusal, `accepted`, or whatever else was thrown. */
export async function outcome(
  guard: Guard,
  authorization: string | readonly string[] | undefined,
  query?: string,
): Promise<string> {
  try {
    await guard.authenticate(authorization, query);
    return 'accepted';
  } catch (error) {
    return error instanceof Error && 'reason' in error ? String(error.reason) : `threw ${String(error)}`;
  }
}
