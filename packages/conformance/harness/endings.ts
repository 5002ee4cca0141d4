import { DATA_SCOPES, newId, validateClientMetadata } from '@latchkey/protocol';
import {
  addClientSecret,
  createAccount,
  createApiKey,
  createClient,
  createOrganization,
  disableAccount,
  disableClient,
  disableOrganization,
  type Operator,
  putMember,
  removeMember,
  revokeApiKey,
} from '@latchkey/registry';
import type { RequestingClient } from './endpoints.ts';
import { obtainClientToken, obtainTokens, revoke as postRevocation, type Reachable } from './flow.ts';
import type { Person } from './person.ts';
import { PEPPER } from './secrets.ts';
import { ORGANIZATION } from './seed.ts';

/** A credential that works, and the act that ends it. */
export interface Issued {
  bearer: string;
  end(): Promise<unknown>;
}

/** Every way in which authority ends, each on records of its own, so that it can be tried again and again. */
export function createEndings(
  deployment: Reachable,
  operator: Operator,
): Record<string, () => Promise<Issued>> {
  const issueKey = (organizationId: string) => createKey(operator, organizationId);
  return {
    'an API key': async () => {
      const { key, apiKey } = await issueKey(ORGANIZATION);
      return { bearer: key, end: () => revokeApiKey(operator, apiKey.id) };
    },
    'an API key by its holder': async () => {
      const { key } = await issueKey(ORGANIZATION);
      return { bearer: key, end: () => revoke(deployment, key) };
    },
    'a token': async () => {
      const bearer = await obtainClientToken(deployment);
      return { bearer, end: () => revoke(deployment, bearer, deployment.clients.machine) };
    },
    'a grant': async () => {
      const { person } = await createMember(operator);
      const { accessToken, refreshToken } = await obtainTokens(deployment, { person });
      return { bearer: accessToken, end: () => revoke(deployment, refreshToken) };
    },
    'a client': async () => {
      const client = await createMachine(operator, ORGANIZATION);
      const bearer = await obtainClientToken(deployment, {}, client);
      return { bearer, end: () => disableClient(operator, client.client_id) };
    },
    'a member': async () => {
      const { id, person } = await createMember(operator);
      const { accessToken } = await obtainTokens(deployment, { person });
      return { bearer: accessToken, end: () => removeMember(operator, ORGANIZATION, id) };
    },
    'an account': async () => {
      const { id, person } = await createMember(operator);
      const { accessToken } = await obtainTokens(deployment, { person });
      return { bearer: accessToken, end: () => disableAccount(operator, id) };
    },
    'an organization, by token': async () => {
      const id = await createCustomer(operator);
      const bearer = await obtainClientToken(deployment, {}, await createMachine(operator, id));
      return { bearer, end: () => disableOrganization(operator, id) };
    },
    'an organization, by API key': async () => {
      const id = await createCustomer(operator);
      const { key } = await issueKey(id);
      return { bearer: key, end: () => disableOrganization(operator, id) };
    },
  };
}

async function revoke(...request: Parameters<typeof postRevocation>): Promise<void> {
  const { status, text } = await postRevocation(...request);
  if (status !== 200) throw new Error(`not revoked: ${status} ${text}`);
}

function createKey(operator: Operator, organizationId: string) {
  return createApiKey(operator, PEPPER, {
    organizationId,
    environment: 'live',
    name: 'Nightly import',
    scopes: Object.keys(DATA_SCOPES),
    ipAllowlist: [],
    rateLimit: null,
    expiresAt: null,
  });
}

async function createCustomer(operator: Operator): Promise<string> {
  const { id } = await createOrganization(operator, { name: 'One More Customer', plan: 'free' });
  return id;
}

async function createMachine(operator: Operator, organizationId: string): Promise<RequestingClient> {
  const result = validateClientMetadata({
    client_name: 'Nightly import',
    application_type: 'machine',
    scope: Object.keys(DATA_SCOPES).join(' '),
  });
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  const { metadata } = result;
  const { id } = await createClient(operator, { organizationId, environment: 'live', metadata });
  const { secret } = await addClientSecret(operator, PEPPER, id);
  return { client_id: id, client_secret: secret };
}

async function createMember(operator: Operator): Promise<{ id: string; person: Person }> {
  const person = { email: `${newId('account')}@acme.example`, password: 'correct horse battery staple' };
  const { id } = await createAccount(operator, { ...person, name: 'One More Person' });
  await putMember(operator, { organizationId: ORGANIZATION, accountId: id, role: 'developer' });
  return { id, person };
}
