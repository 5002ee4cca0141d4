import { DATA_SCOPES, ERRORS, type ErrorCode, MANAGEMENT_SCOPES } from '@latchkey/protocol';
import type { ApiConfig } from './config.ts';
import type { Route } from './route-table.ts';

type Json = Record<string, unknown>;

/** Headers of answers, by the names that operations refer to them by. */
const HEADERS = {
  'X-RateLimit-Limit': text(
    'Requests that the window allows, of the limit that will be reached first',
    'integer',
  ),
  'X-RateLimit-Remaining': text('Requests that are left in it', 'integer'),
  'X-RateLimit-Reset': text('When it ends, in seconds since 1970', 'integer'),
  'RateLimit-Policy': text('Every limit that counts: `"organization";q=1000;w=60` (requests, seconds)'),
  RateLimit: text('What is left of each: `"organization";r=999;t=30` (requests, seconds)'),
  'Retry-After': text('Seconds to wait before the request can succeed', 'integer'),
  'WWW-Authenticate': text('What is asked for (RFC 6750 §3, RFC 9728 §5.1)'),
  Location: text('Where what was created is'),
  Link: text('The next page, as `rel="next"`; for CSV, which has no place for a cursor'),
  'Idempotent-Replayed': text('`true` where this answer was given before'),
} as const;

export type HeaderName = keyof typeof HEADERS;

function text(description: string, type = 'string'): Json {
  return { description, schema: { type } };
}

const LIMITS: HeaderName[] = [
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'RateLimit-Policy',
  'RateLimit',
];

/** The limits' headers, which stand on every answer after a request was counted, and those named. */
export function headersWith(...names: HeaderName[]): Json {
  return Object.fromEntries(
    [...LIMITS, ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

/** Codes that answer under the same status are one response, which says both. */
const RESPONSES = {
  invalid_request: [],
  unauthorized: ['WWW-Authenticate'],
  insufficient_scope: ['WWW-Authenticate'],
  not_found: [],
  payload_too_large: [],
  unsupported_media_type: [],
  invalid_body: [],
  too_many_requests: ['Retry-After'],
  temporarily_unavailable: ['Retry-After'],
} as const satisfies Partial<Record<ErrorCode, HeaderName[]>>;

export type DescribedError = keyof typeof RESPONSES;

const DESCRIPTIONS: Partial<Record<DescribedError, string>> = {
  unauthorized: 'No credential, or one that is invalid, has expired or was revoked',
  insufficient_scope:
    'The credential lacks the scope, would give what it does not hold, or may not be used from here or for this',
};

export const errorResponse = (code: DescribedError) => ({ $ref: `#/components/responses/${nameOf(code)}` });

/** `too_many_requests` → `TooManyRequests`. */
const nameOf = (code: string) => code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());

export const jsonContent = (name: string) => ({
  'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
});

export const IDEMPOTENCY_KEY = { $ref: '#/components/parameters/IdempotencyKey' };

/** What operations refer to, but for the schemas. */
export function describeComponents(routes: Route[], config: ApiConfig): Json {
  const responses = Object.entries(RESPONSES).map(([name, headers]) => {
    const code = name as DescribedError;
    const description = DESCRIPTIONS[code] ?? ERRORS[code].description;
    return [nameOf(code), { description, headers: headersWith(...headers), content: jsonContent('Error') }];
  });
  return {
    responses: Object.fromEntries(responses),
    parameters: { IdempotencyKey: idempotencyKey },
    headers: HEADERS,
    securitySchemes: { oauth2: describeOAuth(routes, config), apiKey },
  };
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Your own name for this request, such as a UUID. Sent again within 24 hours with the same key and body it ' +
    'gets the same answer and takes effect once; with another body it is a 409.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
};

const apiKey = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'API key',
  description: 'Send the key, `sk_live_…` or `sk_test_…`, as `Authorization: Bearer <key>`, never in a URL.',
};

function describeOAuth(routes: Route[], { issuer }: ApiConfig): Json {
  const descriptions = { ...DATA_SCOPES, ...MANAGEMENT_SCOPES };
  const scopes = Object.fromEntries(routes.map(({ scope }) => [scope, descriptions[scope]]));
  const tokenUrl = `${issuer}/oauth/token`;
  return {
    type: 'oauth2',
    description: 'Send the access token as `Authorization: Bearer <token>`, never in a URL.',
    flows: {
      authorizationCode: { authorizationUrl: `${issuer}/oauth/authorize`, tokenUrl, scopes },
      clientCredentials: { tokenUrl, scopes },
    },
  };
}
