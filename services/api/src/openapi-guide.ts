import { DATA_SCOPES, MANAGEMENT_SCOPES } from '@latchkey/protocol';
import type { ApiConfig } from './config.ts';
import { BASE_PATH } from './route-table.ts';

export const SUMMARY =
  'Work orders, operations, quality and inventory, and what your organization manages itself: API keys, ' +
  'applications, settings.';

/** What to know before the first call, as CommonMark: the introduction of the OpenAPI document and of its page. */
export function describeFirstSteps(config: ApiConfig): string {
  return [SUMMARY, ...authentication(config), ...scopes(), ...limits(), ...answers()].join('\n\n');
}

function authentication({ origin, audience, issuer }: ApiConfig): string[] {
  return [
    '## Authentication',
    'Every request carries an API key or an access token in its `Authorization` header, after the word `Bearer`:',
    fenced(`curl ${origin}${BASE_PATH}/work-orders -H "Authorization: Bearer $TOKEN"`),
    'An API key, `sk_live_…` or `sk_test_…`, is for your own scripts. Whoever runs this service gives you the first; ' +
      `with a credential that holds \`api-keys:write\` you make others by \`POST ${BASE_PATH}/api-keys\`. A key is shown once.`,
    'An access token is for an application, which is registered in the same ways ' +
      `(\`POST ${BASE_PATH}/applications\`). One that acts on its own behalf asks for it with its id and secret:`,
    fenced(
      `curl ${issuer}/oauth/token -u "$CLIENT_ID:$CLIENT_SECRET" \\\n` +
        `  -d grant_type=client_credentials -d resource=${audience}`,
    ),
    `One that acts for a person sends them to \`${issuer}/oauth/authorize\` (authorization code, with PKCE). A token ` +
      'that has expired is a 401 with the words `Token expired`: ask for another.',
    'No credential belongs in a URL, which logs and histories keep: such a request is refused with a 400.',
    'Records belong to your organization and to the environment, live or test, of the credential. Those of others ' +
      'look as if they were not there.',
  ];
}

function scopes(): string[] {
  return [
    '## Scopes',
    'What a credential may do is what its scopes say. Each operation names the one it needs; without it the answer is a ' +
      '403 that names it, too. These are over data, and what an API key gets unless it is made with others:',
    list(DATA_SCOPES),
    'These are over the organization itself, and are asked for by name:',
    list(MANAGEMENT_SCOPES),
  ];
}

function limits(): string[] {
  return [
    '## Limits',
    'Requests are counted by the minute over all credentials of your organization, and for each API key that has a limit ' +
      'of its own. Answers say where the limits stand:',
    [
      '- `X-RateLimit-Limit`, `X-RateLimit-Remaining`: requests that the minute allows and that are left, of the limit ' +
        'that will be reached first',
      '- `X-RateLimit-Reset`: when it ends, in seconds since 1970',
      '- `RateLimit-Policy`, `RateLimit`: all limits that count',
    ].join('\n'),
    'A request too many is a 429. `Retry-After` has the seconds to wait.',
  ];
}

function answers(): string[] {
  return [
    '## Errors',
    'An error has a stable code for programs, words for people, and the request id to quote to support. Where fields or ' +
      'parameters are wrong, `fields` says which and why:',
    fenced(
      '{ "error": "invalid_body", "error_description": "The body has invalid fields",\n' +
        '  "request_id": "…",\n  "fields": [{ "field": "quantity", "message": "must be at least 1" }] }',
    ),
    '## Idempotency-Key',
    'Send every POST with an `Idempotency-Key` of your own, such as a UUID. Sent again within 24 hours with the same key ' +
      'and body, because the connection broke say, it takes effect once and gets the same answer.',
    '## Lists',
    'Lists are newest first. `limit` says how many rows to answer; `next_cursor` in the answer is the `cursor` of the ' +
      'next page, and null on the last. Audit log and usage are also answered as CSV.',
  ];
}

const fenced = (code: string) => `\`\`\`\n${code}\n\`\`\``;
const list = (described: Record<string, string>) =>
  Object.entries(described)
    .map(([name, words]) => `- \`${name}\`: ${words}`)
    .join('\n');
