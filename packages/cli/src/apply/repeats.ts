import type { Fault } from '@latchkey/protocol';

interface Names {
  organizations: { id: string }[];
  users: { id?: string | undefined; email: string; organizations: { organization: string }[] }[];
  clients: { client_id: string }[];
  resource_servers: { id?: string | undefined; identifier: string; default: boolean }[];
}

/** What a file says twice, which would leave open what it means. */
export function findRepeats({ organizations, users, clients, resource_servers: servers }: Names): Fault[] {
  return [
    ...repeats(
      'organizations',
      'id',
      organizations.map(({ id }) => id),
    ),
    ...repeats(
      'users',
      'id',
      users.map(({ id }) => id),
    ),
    ...repeats(
      'users',
      'email',
      users.map(({ email }) => email.toLowerCase()),
    ),
    ...users.flatMap(({ organizations: seats }, index) =>
      repeats(
        `users[${index}].organizations`,
        'organization',
        seats.map(({ organization }) => organization),
      ),
    ),
    ...repeats(
      'clients',
      'client_id',
      clients.map(({ client_id }) => client_id),
    ),
    ...repeats(
      'resource_servers',
      'id',
      servers.map(({ id }) => id),
    ),
    ...repeats(
      'resource_servers',
      'identifier',
      servers.map(({ identifier }) => identifier),
    ),
    ...repeats(
      'resource_servers',
      'default',
      servers.map((server) => (server.default ? 'true' : undefined)),
    ),
  ];
}

function repeats(list: string, member: string, values: (string | undefined)[]): Fault[] {
  return values.flatMap((value, index) => {
    const first = values.indexOf(value);
    if (value === undefined || first === index) return [];
    return [{ field: `${list}[${index}].${member}`, message: `is the same as in ${list}[${first}]` }];
  });
}
