/** Lifetimes, all in seconds. */
export interface Lifetimes {
  /** Of access tokens without a resource server; a resource server's record names its own. */
  accessToken: number;
  authorizationCode: number;
  interaction: number;
  /** Of a refresh token that is not used. */
  refreshTokenIdle: number;
  /** Of a family of refresh tokens, from the first one on. */
  refreshTokenMax: number;
  session: number;
}

/** Requests per minute. */
export interface RequestLimits {
  /** At the token and revocation endpoints: of one client from one address. */
  token: number;
  /** At the same: of all clients from one address. */
  tokenPerAddress: number;
  /** At the introspection endpoint: of one client from one address. A gateway asks about every request of its own. */
  introspection: number;
  introspectionPerAddress: number;
  /** For the pages of signing in and out, from one address. One sign-in takes about seven. */
  signInPerAddress: number;
}

/** What the authorization server needs to know; `env.ts` reads it from the environment. */
export interface AuthConfig {
  /** Its public URL, without a path: `https://auth.example.com`. */
  issuer: string;
  /** 32 bytes, kept out of the database: digests of client secrets, and the next refresh token, depend on it. */
  pepper: Buffer;
  /** 32 bytes under which private signing keys are sealed. */
  encryptionKey: Buffer;
  /** Sign the cookies; the first signs, all verify, so that one can be replaced without signing anybody out. */
  cookieKeys: string[];
  /** Addresses or CIDR ranges whose `X-Forwarded-*` is believed. */
  trustedProxies: string[];
  /** What it names replaces `DEFAULT_LIFETIMES`. */
  ttl?: Partial<Lifetimes>;
  /** What it names replaces `DEFAULT_LIMITS`. */
  limits?: Partial<RequestLimits>;
  /** The deployer's own templates, strongest first. */
  templateDirs?: string[];
  /** Shown on pages. */
  productName?: string;
  /** Where the public keys are with which reports of leaked API keys are signed; absent: none are taken. */
  leakReportKeysUrl?: string;
}

export const DEFAULT_LIFETIMES: Lifetimes = {
  accessToken: 3600,
  authorizationCode: 60,
  interaction: 900,
  refreshTokenIdle: 14 * 86_400,
  refreshTokenMax: 90 * 86_400,
  session: 14 * 86_400,
};

export function lifetimesOf({ ttl }: Pick<AuthConfig, 'ttl'>): Lifetimes {
  return { ...DEFAULT_LIFETIMES, ...ttl };
}

export const DEFAULT_LIMITS: RequestLimits = {
  token: 3_000,
  tokenPerAddress: 6_000,
  introspection: 60_000,
  introspectionPerAddress: 120_000,
  signInPerAddress: 600,
};

export function limitsOf({ limits }: Pick<AuthConfig, 'limits'>): RequestLimits {
  return { ...DEFAULT_LIMITS, ...limits };
}
