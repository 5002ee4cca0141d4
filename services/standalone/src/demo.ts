import { type Declaration, parseDeclaration } from '@latchkey/cli';
import { DATA_SCOPES, MANAGEMENT_SCOPES, OIDC_SCOPES, ROLES } from '@latchkey/protocol';
import type { ApiKeys, Secrets } from './secrets.ts';

export interface Addresses {
  issuer: string;
  /** The API's URL, and its identifier as a resource server. */
  api: string;
}

export const DEMO_ORGANIZATION = 'org_acme';

const NAMES = {
  owner: 'Olivia Owner',
  admin: 'Adam Admin',
  developer: 'Dora Developer',
  viewer: 'Victor Viewer',
};

/**
 * The demo organisation, as `latchkey apply` takes it. It is applied at each start, so what `standalone.json` says
 * is true whatever happened to the demo since.
 */
export function demoDeclaration(secrets: Secrets, { api }: Addresses): Declaration {
  return parseDeclaration({
    organizations: [{ id: DEMO_ORGANIZATION, name: 'Acme Manufacturing', plan: 'professional' }],
    users: ROLES.map((role) => ({
      id: `user_acme_${role}`,
      email: `${role}@acme.example`,
      name: NAMES[role],
      email_verified: true,
      password: secrets.passwords[role],
      organizations: [{ organization: DEMO_ORGANIZATION, role }],
    })),
    clients: Object.values(demoClients(secrets)).map((client) => ({
      organization: DEMO_ORGANIZATION,
      ...client,
    })),
    resource_servers: [
      {
        id: 'rs_acme',
        identifier: api,
        name: 'Acme Manufacturing API',
        scopes: { ...DATA_SCOPES, ...MANAGEMENT_SCOPES },
        accepts_api_keys: true,
        default: true,
        introspection_client: 'client_acme_resource_server',
      },
    ],
  });
}

interface DemoClient {
  client_id: string;
  client_name: string;
  application_type: string;
  client_secret?: string;
  redirect_uris?: string[];
  [member: string]: unknown;
}

type ClientName = 'web' | 'spa' | 'native' | 'machine' | 'resource_server';

/** The data, and on asking by name what a program may manage: all but the organisation itself. */
const MACHINE_SCOPES = Object.keys({ ...DATA_SCOPES, ...MANAGEMENT_SCOPES }).filter(
  (scope) => scope !== 'organization:write',
);

/** What a person's role allows of these is in the token, and of the management scopes only what was asked for by name. */
const PERSON_SCOPES = Object.keys({ ...OIDC_SCOPES, ...DATA_SCOPES, ...MANAGEMENT_SCOPES });

/**
 * One client of each kind. The web client has the exceptions that published client code of its time needs: secret in
 * the body, no PKCE, refresh without the secret, and one redirect URI so that a request may leave it out.
 */
function demoClients({ client_secrets: secret }: Secrets): Record<ClientName, DemoClient> {
  return {
    web: {
      client_id: 'client_acme_web',
      client_name: 'Acme Portal',
      application_type: 'web',
      client_secret: secret.web,
      token_endpoint_auth_method: 'client_secret_post',
      redirect_uris: ['http://127.0.0.1:4000/callback'],
      post_logout_redirect_uris: ['http://127.0.0.1:4000/'],
      scope: PERSON_SCOPES.join(' '),
      require_pkce: false,
      refresh_without_secret: true,
    },
    spa: {
      client_id: 'client_acme_spa',
      client_name: 'Acme Dashboard',
      application_type: 'spa',
      redirect_uris: ['http://127.0.0.1:5173/callback'],
      post_logout_redirect_uris: ['http://127.0.0.1:5173/'],
      scope: PERSON_SCOPES.join(' '),
    },
    native: {
      client_id: 'client_acme_native',
      client_name: 'Acme Shop Floor',
      application_type: 'native',
      // Any port of it, RFC 8252 §7.3.
      redirect_uris: ['http://127.0.0.1/callback'],
    },
    machine: {
      client_id: 'client_acme_machine',
      client_name: 'Acme Nightly Import',
      application_type: 'machine',
      client_secret: secret.machine,
      token_endpoint_auth_method: 'client_secret_post',
      scope: MACHINE_SCOPES.join(' '),
    },
    resource_server: {
      client_id: 'client_acme_resource_server',
      client_name: 'Acme Manufacturing API',
      application_type: 'resource_server',
      client_secret: secret.resource_server,
      token_endpoint_auth_method: 'client_secret_post',
    },
  };
}

/** `standalone.json`: what scripts and tools need to use this installation. */
export interface Description extends Addresses {
  users: { email: string; password: string; role: string }[];
  clients: Record<ClientName, Pick<DemoClient, 'client_id' | 'client_secret' | 'redirect_uris'>>;
  api_keys: ApiKeys;
}

export function describeDemo(
  secrets: Secrets & { api_keys: ApiKeys },
  { issuer, api }: Addresses,
): Description {
  const { web, spa, native, machine, resource_server } = demoClients(secrets);
  const pick = ({ client_id, client_secret, redirect_uris }: DemoClient) => ({
    client_id,
    ...(client_secret !== undefined && { client_secret }),
    ...(redirect_uris && { redirect_uris }),
  });
  return {
    issuer,
    api,
    users: ROLES.map((role) => ({ email: `${role}@acme.example`, password: secrets.passwords[role], role })),
    clients: {
      web: pick(web),
      spa: pick(spa),
      native: pick(native),
      machine: pick(machine),
      resource_server: pick(resource_server),
    },
    api_keys: secrets.api_keys,
  };
}
