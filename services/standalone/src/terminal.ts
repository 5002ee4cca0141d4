import { relative } from 'node:path';
import type { DataFolder } from './data-folder.ts';
import type { Description } from './demo.ts';

/** What a person sees once everything is ready. */
export function formatWelcome(description: Description, folder: DataFolder): string {
  const { issuer, api, users, clients, api_keys: keys } = description;
  const [owner] = users;
  const show = (path: string) => relative(process.cwd(), path) || path;
  return `
Latchkey is ready.

  Authorization server  ${issuer}
  API                   ${api}/api/v2
  API reference         ${api}/docs

  Demo sign-in          ${owner?.email}
  Password              ${owner?.password}

A call with an API key:

curl -sS ${api}/api/v2/work-orders -H "Authorization: Bearer ${keys.live}"

A first token, and a call with it:

${formatFirstCall(issuer, api, clients.machine)}

Users of every role, all clients and both keys are in ${show(folder.description)}, the log is in ${show(folder.log)}.
Ctrl-C stops everything; the next start finds the same data.
`;
}

function formatFirstCall(issuer: string, api: string, machine: Description['clients']['machine']): string {
  const { client_id: id, client_secret: secret = '' } = machine;
  const form = `grant_type=client_credentials&client_id=${id}&client_secret=${secret}&scope=work-orders:read`;
  return [
    `TOKEN=$(curl -sS ${issuer}/oauth/token -d '${form}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
    `curl -sS ${api}/api/v2/work-orders -H "Authorization: Bearer $TOKEN"`,
  ].join('\n');
}
