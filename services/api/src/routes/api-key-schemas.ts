import { ENVIRONMENTS } from '@latchkey/protocol';
import {
  apiKeyName,
  apiKeyScopes,
  expiresAt,
  ipAllowlist,
  MAX_OVERLAP_SECONDS,
  rateLimit,
} from '@latchkey/registry';
import { z } from 'zod';
import { isoInstant, stamps } from '../fields.ts';

/* What is sent and answered about API keys. */

const DAY_SECONDS = 86_400;

export const API_KEY_STATES = ['active', 'expiring', 'expired', 'revoked'] as const;

export const environment = z.enum(ENVIRONMENTS);

const about = {
  name: 'What people tell it by',
  environment: 'Whether it reaches live or test records',
  last_four: 'Its last four characters',
  scopes: 'What it may do',
  ip_allowlist: 'Addresses and CIDR ranges; empty: used from anywhere',
  created_by: 'Who made it',
  expires_at: 'When it ends; null: not by itself',
  rate_limit: "Requests per minute; null: none but your organization's",
  revoked_at: 'When it was revoked',
};

export const apiKey = z.object({
  ...stamps,
  name: z.string().describe(about.name),
  environment: environment.describe(about.environment),
  prefix: z.string().describe('How the key begins; with `last_four`, what people tell it by'),
  last_four: z.string().describe(about.last_four),
  scopes: z.array(z.string()).describe(about.scopes),
  ip_allowlist: z.array(z.string()).describe(about.ip_allowlist),
  rate_limit: z.int().nullable().describe(about.rate_limit),
  state: z
    .enum(API_KEY_STATES)
    .describe('`expiring`: replaced by a rotation, and good until `expires_at`. `active` is good as well'),
  created_by: z.object({ type: z.string(), id: z.string() }).describe(about.created_by),
  last_used_at: isoInstant().nullable().describe('To the minute or so'),
  expires_at: isoInstant().nullable().describe(about.expires_at),
  revoked_at: isoInstant().nullable().describe(about.revoked_at),
  leaked_at: isoInstant().nullable().describe('When it was reported as published'),
  successor_id: z.string().nullable().describe('The key that a rotation put in its place'),
});

export const issued = apiKey.extend({
  key: z.string().describe('The key itself. It is shown in this answer alone'),
});

export const create = z.strictObject({
  name: apiKeyName.describe(about.name),
  scopes: apiKeyScopes.optional().describe('Default: those of the ten data scopes that you hold'),
  environment: environment.optional().describe('Default: that of your credential'),
  ip_allowlist: ipAllowlist.optional().describe('Addresses and CIDR ranges. Default: anywhere'),
  expires_at: expiresAt.nullable().optional().describe('Default: never'),
  rate_limit: rateLimit.nullable().optional().describe('Requests per minute. Default: none of its own'),
});

export const update = z.strictObject({
  name: apiKeyName.optional().describe(about.name),
  scopes: apiKeyScopes.optional().describe(about.scopes),
  ip_allowlist: ipAllowlist.optional().describe(about.ip_allowlist),
  expires_at: expiresAt.nullable().optional().describe(about.expires_at),
  rate_limit: rateLimit.nullable().optional().describe(about.rate_limit),
});

export const rotate = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(MAX_OVERLAP_SECONDS)
      .default(DAY_SECONDS)
      .describe('How long the old key stays good beside the new one'),
  })
  .prefault({});

export const nothing = z.strictObject({}).optional();
