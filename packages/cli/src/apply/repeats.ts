import type { Fault } from '@latchkey/protocol';

interface Names {
  organizations: { id: string }[];
  users: { id?: string | undefined; email: string; organizations: { organization: string }[] }[];
  clients: { client_id: string }[];
  resource_servers: { id?: string | undefined; identifier: string; default: boolean }[];
  api_keys: { organization: string; environment: string; name: string }[];
}

/** What a file says twice, which would leave open what it means. */
export function findRepeats(names: Names): Fault[] {
  const { organizations, users, clients, resource_servers: servers, api_keys: keys } = names;
  const emails = users.map(({ email }) => email.toLowerCase());
  const identifiers = servers.map(({ identifier }) => identifier);
  const defaults = servers.map((server) => (server.default ? 'true' : undefined));
  const keyNames = keys.map(({ organization, environment, name }) =>
    [organization, environment, name].join(' '),
  );
  return [
    ...repeats('organizations', 'id', organizations.map(idOf)),
    ...repeats('users', 'id', users.map(idOf)),
    ...repeats('users', 'email', emails),
    ...users.flatMap(({ organizations: seats }, index) => {
      const seated = seats.map(({ organization }) => organization);
      return repeats(`users[${index}].organizations`, 'organization', seated);
    }),
    ...repeats(
      'clients',
      'client_id',
      clients.map((client) => client.client_id),
    ),
    ...repeats('resource_servers', 'id', servers.map(idOf)),
    ...repeats('resource_servers', 'identifier', identifiers),
    ...repeats('resource_servers', 'default', defaults),
    ...repeats('api_keys', 'name', keyNames),
  ];
}

const idOf = ({ id }: { id?: string | undefined }) => id;

function repeats(list: string, member: string, values: (string | undefined)[]): Fault[] {
  return values.flatMap((value, index) => {
    const first = values.indexOf(value);
    if (value === undefined || first === index) return [];
    return [{ field: `${list}[${index}].${member}`, message: `is the same as in ${list}[${first}]` }];
  });
}
