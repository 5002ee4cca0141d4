import { type ClientMetadata, ENVIRONMENTS, type Fault, validateClientMetadata } from '@latchkey/protocol';
import {
  accountInput,
  apiKeyName,
  apiKeyScopes,
  clientId,
  clientSecret,
  expiresAt,
  InvalidInputError,
  ipAllowlist,
  organizationInput,
  parseInput,
  plan,
  rateLimit,
  recordId,
  resourceServerInput,
  role,
  usesSecrets,
} from '@latchkey/registry';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { findRepeats } from './repeats.ts';

const organization = recordId('organization');

/** A plan that the file does not name stays what it is: to raise a limit must not take the customer's plan away. */
const declaredOrganization = organizationInput.extend({ id: organization, plan: plan.optional() });

const declaredUser = accountInput.extend({
  organizations: z.array(z.strictObject({ organization, role })).default([]),
});

const environment = z
  .enum(ENVIRONMENTS, { error: `must be one of ${ENVIRONMENTS.join(', ')}` })
  .default('live');

const declaredApiKey = z.strictObject({
  organization,
  environment,
  name: apiKeyName,
  scopes: apiKeyScopes.optional(),
  ip_allowlist: ipAllowlist.optional(),
  rate_limit: rateLimit.nullable().optional(),
  expires_at: expiresAt.nullable().optional(),
});

/** Latchkey's own members of a client; every other member is client metadata and judged as such. */
const ownMembers = {
  client_id: clientId,
  organization: organization.nullable().default(null),
  environment,
  client_secret: clientSecret.optional(),
  client_secrets: z.array(clientSecret).min(1, 'must hold at least one').optional(),
};

const file = z.strictObject(
  {
    organizations: z.array(declaredOrganization).default([]),
    users: z.array(declaredUser).default([]),
    clients: z.array(z.looseObject(ownMembers)).default([]),
    resource_servers: z.array(resourceServerInput).default([]),
    api_keys: z.array(declaredApiKey).default([]),
  },
  { error: 'must be a mapping with organizations, users, clients, resource_servers or api_keys' },
);

type FileContent = z.infer<typeof file>;

export interface DeclaredClient {
  client_id: string;
  organization: string | null;
  environment: (typeof ENVIRONMENTS)[number];
  /** Undefined where the file leaves secrets alone. */
  secrets: string[] | undefined;
  metadata: ClientMetadata;
}

/** A state of the registry, as a file declares it. What it does not name is left alone. */
export type Declaration = Omit<FileContent, 'clients'> & { clients: DeclaredClient[] };
export type DeclaredOrganization = Declaration['organizations'][number];
export type DeclaredUser = Declaration['users'][number];
export type DeclaredApiKey = Declaration['api_keys'][number];
export type DeclaredResourceServer = Declaration['resource_servers'][number];

/** Reads YAML, or JSON, which is YAML too. @throws {InvalidInputError} naming every fault */
export function readDeclaration(text: string): Declaration {
  try {
    return parseDeclaration(parse(text));
  } catch (error) {
    // The parser throws a ReferenceError at aliases without an anchor, or at more of them than any real file has.
    if (!(error instanceof YAMLParseError || error instanceof ReferenceError)) throw error;
    const [line] = error.message.split('\n', 1);
    throw new InvalidInputError([{ field: '', message: `is neither YAML nor JSON: ${line}` }]);
  }
}

/** @throws {InvalidInputError} naming every fault by its path */
export function parseDeclaration(document: unknown): Declaration {
  const { faults, metadata } = readAllMetadata(document);
  let content: FileContent;
  try {
    content = parseInput(file, document);
  } catch (error) {
    if (error instanceof InvalidInputError) throw new InvalidInputError([...error.faults, ...faults]);
    throw error;
  }
  faults.push(...findRepeats(content));
  for (const [index, client] of content.clients.entries()) {
    const fault = refuseSecrets(client, metadata[index]);
    if (fault) faults.push({ field: `clients[${index}].${fault.field}`, message: fault.message });
  }
  if (faults.length > 0) throw new InvalidInputError(faults);
  const clients = content.clients.map((client, index) => toDeclaredClient(client, metadata[index]));
  return { ...content, clients };
}

function refuseSecrets(
  { client_secret: one, client_secrets: several }: FileContent['clients'][number],
  metadata: ClientMetadata | undefined,
): Fault | undefined {
  if (one !== undefined && several)
    return { field: 'client_secrets', message: 'must not stand beside client_secret' };
  if (!metadata || usesSecrets(metadata) || (one === undefined && !several)) return undefined;
  const method = metadata.token_endpoint_auth_method;
  return {
    field: several ? 'client_secrets' : 'client_secret',
    message: `is of no use: the client uses ${method}`,
  };
}

function toDeclaredClient(
  { client_id, organization, environment, client_secret, client_secrets }: FileContent['clients'][number],
  metadata: ClientMetadata | undefined,
): DeclaredClient {
  if (!metadata) throw new TypeError('a client without faults has metadata');
  const secrets = client_secret === undefined ? client_secrets : [client_secret];
  return { client_id, organization, environment, secrets, metadata };
}

/** Beside the schema and not in it: zod skips refinements of an object with faults, and all are wanted at once. */
function readAllMetadata(document: unknown): { faults: Fault[]; metadata: (ClientMetadata | undefined)[] } {
  const faults: Fault[] = [];
  const metadata: (ClientMetadata | undefined)[] = [];
  const clients = isObject(document) && Array.isArray(document.clients) ? document.clients : [];
  for (const [index, client] of clients.entries()) {
    if (!isObject(client)) continue;
    const result = validateClientMetadata(withoutOwnMembers(client));
    if ('metadata' in result) {
      metadata[index] = result.metadata;
    } else {
      faults.push(
        ...result.faults.map(({ field, message }) => ({ field: `clients[${index}].${field}`, message })),
      );
    }
  }
  return { faults, metadata };
}

function withoutOwnMembers(client: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(client).filter(([name]) => !Object.hasOwn(ownMembers, name)));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
