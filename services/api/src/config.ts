/** What the API needs to know; `env.ts` reads it from the environment. */
export interface ApiConfig {
  /** Its public URL, without a path: `https://api.example.com`. */
  origin: string;
  /** Its identifier as a resource server (RFC 8707): what the `aud` of a token must contain. */
  audience: string;
  /** The authorization server whose tokens are accepted. */
  issuer: string;
  /** Where the issuer's keys are. Default: `/.well-known/jwks.json` under the issuer. */
  jwksUri?: string;
  /** Under which the secrets of API keys and applications are digested; the authorization server's. */
  pepper: Buffer;
  /** Addresses or CIDR ranges whose `X-Forwarded-*` is believed. */
  trustedProxies: string[];
  /** The deployer's own templates, strongest first. */
  templateDirs?: string[];
  /** Shown on pages and in the OpenAPI document. */
  productName?: string;
}
