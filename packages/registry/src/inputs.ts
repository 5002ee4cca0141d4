import {
  API_KEY_PATTERN,
  ID_PREFIXES,
  type IdKind,
  isAddressRange,
  isId,
  isScopeToken,
  OIDC_SCOPES,
  PLANS,
  ROLES,
} from '@latchkey/protocol';
import { LEAKED_KEY_POLICIES, SIGNING_ALGORITHMS, TOKEN_FORMATS } from '@latchkey/storage';
import { z } from 'zod';

/** No access token lives longer, so whatever outlives tokens (revocations, retired keys) can be dated without look-ups. */
export const MAX_TOKEN_TTL_SECONDS = 86_400;
/** NIST SP 800-63B §3.1.1.2: at least 8 characters, no rules of composition. The upper bound keeps hashing cheap. */
const PASSWORD_LENGTH = { min: 8, max: 1024 };

const required = (issue: { input: unknown }) =>
  issue.input === undefined ? 'is required' : 'must be a string';
const text = () => z.string({ error: required });

/** What people read. No control or direction marks, which could make it read as another name, and no half of a pair. */
export const displayName = text()
  .trim()
  .min(1, 'is required')
  .max(200, 'must be at most 200 characters')
  .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'must not hold invisible characters');

/** Only the shape: whether mail arrives is for mail to show. */
export const emailAddress = text()
  .trim()
  .max(254, 'must be at most 254 characters')
  .regex(/^[^\s@\p{Cc}\p{Cf}]+@[^\s@\p{Cc}\p{Cf}]+$/u, 'must be an e-mail address');

export const password = text()
  .min(PASSWORD_LENGTH.min, `must be at least ${PASSWORD_LENGTH.min} characters`)
  .max(PASSWORD_LENGTH.max, `must be at most ${PASSWORD_LENGTH.max} characters`);

/** RFC 6749 appendix A.2. Ours have 43; one that an operator brings must not be guessable. */
export const clientSecret = text()
  .min(16, 'must be at least 16 characters')
  .max(256, 'must be at most 256 characters')
  .regex(/^[\x21-\x7e]*$/, 'must be visible ASCII characters');

export const role = z.enum(ROLES, { error: `must be one of ${ROLES.join(', ')}` });
export const plan = z.enum(PLANS, { error: `must be one of ${PLANS.join(', ')}` });

export function recordId(kind: IdKind) {
  return text().refine((id) => isId(kind, id), `must look like ${ID_PREFIXES[kind]}_name`);
}

const OTHER_PREFIXES = Object.values(ID_PREFIXES).filter((prefix) => prefix !== ID_PREFIXES.client);

/**
 * Client ids that exist elsewhere may be kept, but none that reads as another record's: in a token the client
 * can be the `sub`, where an account's id stands otherwise (RFC 9068 §5).
 */
export const clientId = text()
  .regex(/^[A-Za-z0-9._~-]{1,128}$/, 'must be 1 to 128 letters, digits and ._~-')
  .refine(
    (id) => !OTHER_PREFIXES.some((prefix) => id.startsWith(`${prefix}_`)),
    'must not begin like the id of another kind of record',
  );

const scopes = z
  .record(z.string(), displayName, { error: 'must map each scope to a description' })
  .superRefine((value, context) => {
    for (const scope of Object.keys(value)) {
      const fault = refuseScope(scope);
      if (fault) context.addIssue({ code: 'custom', path: [scope], message: fault });
    }
  });

function refuseScope(scope: string): string | undefined {
  if (!isScopeToken(scope)) return 'is not a scope token (RFC 6749 §3.3)';
  return Object.hasOwn(OIDC_SCOPES, scope) ? 'belongs to OpenID Connect' : undefined;
}

/** RFC 8707 §2: an absolute URI without fragment. */
const identifier = text()
  .max(2048, 'must be at most 2048 characters')
  .refine(
    (uri) => /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(uri) && URL.canParse(uri),
    'must be an absolute URI',
  )
  .refine((uri) => !uri.includes('#'), 'must not have a fragment');

const withoutRepeats = (texts: string[]) => [...new Set(texts)];

/** Addresses and CIDR ranges; an empty list allows all. */
export const ipAllowlist = z
  .array(
    text().trim().refine(isAddressRange, 'must be an IP address or a CIDR range'),
    'must be a list of IP addresses and CIDR ranges',
  )
  .max(100, 'must hold at most 100 ranges')
  .transform(withoutRepeats);

/** Requests per minute. */
export const rateLimit = z
  .int('must be a whole number of requests per minute')
  .min(1, 'must be at least 1')
  .max(1_000_000_000, 'must be at most 1000000000');

/** RFC 3339. Whether it is in the future is judged where the clock is. */
export const expiresAt = z.iso
  .datetime({ offset: true, error: 'must be an instant such as 2031-12-31T23:59:59Z' })
  .transform((instant) => new Date(instant));

export const leakedKeyPolicy = z.enum(LEAKED_KEY_POLICIES, {
  error: `must be one of ${LEAKED_KEY_POLICIES.join(', ')}`,
});

/** Names stand in the audit log and in lists, where no key may. */
export const apiKeyName = displayName.refine(
  (name) => !API_KEY_PATTERN.test(name),
  'must not hold an API key',
);

/** Whether they exist is judged against the resource servers. */
export const apiKeyScopes = z
  .array(text().refine(isScopeToken, 'is not a scope token (RFC 6749 §3.3)'), 'must be a list of scopes')
  .min(1, 'must hold at least one scope')
  .max(200, 'must hold at most 200 scopes')
  .transform(withoutRepeats);

const organizationSettings = {
  rate_limit: rateLimit.nullable().optional(),
  ip_allowlist: ipAllowlist.optional(),
  leaked_key_policy: leakedKeyPolicy.optional(),
};

export const organizationInput = z.strictObject({
  id: recordId('organization').optional(),
  name: displayName,
  plan: plan.default('free'),
  ...organizationSettings,
});

/** What is left out stays as it is. */
export const organizationChanges = z.strictObject({
  name: displayName.optional(),
  plan: plan.optional(),
  ...organizationSettings,
});

export const accountInput = z.strictObject({
  id: recordId('account').optional(),
  email: emailAddress,
  name: displayName,
  email_verified: z.boolean('must be true or false').optional(),
  password: password.optional(),
});

export const resourceServerInput = z.strictObject({
  id: recordId('resourceServer').optional(),
  identifier,
  name: displayName,
  scopes: scopes.default({}),
  token_format: z.enum(TOKEN_FORMATS, { error: `must be one of ${TOKEN_FORMATS.join(', ')}` }).default('jwt'),
  token_ttl_seconds: z
    .int('must be a whole number of seconds')
    .min(1, 'must be at least 1')
    .max(MAX_TOKEN_TTL_SECONDS, `must be at most ${MAX_TOKEN_TTL_SECONDS} (a day)`)
    .default(3600),
  signing_algorithm: z
    .enum(SIGNING_ALGORITHMS, { error: `must be one of ${SIGNING_ALGORITHMS.join(', ')}` })
    .default('ES256'),
  accepts_api_keys: z.boolean('must be true or false').default(false),
  default: z.boolean('must be true or false').default(false),
  introspection_client: clientId.nullable().default(null),
});

export type OrganizationInput = z.infer<typeof organizationInput>;
export type OrganizationChanges = z.infer<typeof organizationChanges>;
export type AccountInput = z.infer<typeof accountInput>;
export type ResourceServerInput = z.infer<typeof resourceServerInput>;
