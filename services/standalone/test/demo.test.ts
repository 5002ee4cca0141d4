import { readFileSync } from 'node:fs';
import { readDeclaration } from '@latchkey/cli';
import { MANAGEMENT_SCOPES, parseScope } from '@latchkey/protocol';
import { expect, it } from 'vitest';
import { demoDeclaration } from '../src/demo.ts';

const ADDRESSES = { issuer: 'http://127.0.0.1:3000', api: 'http://127.0.0.1:3001' };
const SECRETS = {
  ...{ pepper: '', encryption_key: '', cookie_key: '', api_keys: {} },
  passwords: { owner: 'password', admin: 'password', developer: 'password', viewer: 'password' },
  client_secrets: {
    web: 'web-secret-01234',
    machine: 'machine-secret-0',
    resource_server: 'rs-secret-012345',
  },
};

it('lets people manage through the portal and the dashboard, and a program all but the organisation itself', () => {
  const { clients } = demoDeclaration(SECRETS, ADDRESSES);
  const management = Object.keys(MANAGEMENT_SCOPES);
  const missing = Object.fromEntries(
    clients.map(({ client_id, metadata }) => {
      const scopes = parseScope(metadata.scope);
      return [client_id, management.filter((scope) => !scopes.has(scope))];
    }),
  );
  expect(missing).toEqual({
    client_acme_web: [],
    client_acme_spa: [],
    client_acme_native: management,
    client_acme_machine: ['organization:write'],
    client_acme_resource_server: management,
  });
});

it('takes the file that the guard’s README has for its examples, with a key for every scope of theirs', () => {
  const readme = readFileSync(new URL('../../../packages/guard/README.md', import.meta.url), 'utf8');
  const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(readme) ?? [];
  const { resource_servers: servers, api_keys: keys } = readDeclaration(yaml);
  expect(keys.map(({ scopes }) => scopes)).toEqual(servers.map(({ scopes }) => Object.keys(scopes)));
});
