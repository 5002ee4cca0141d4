/** Where Redis is: one server, the Sentinels that know the master's address, or some nodes of a Cluster. */
export interface RedisAddress {
  kind: 'server' | 'sentinel' | 'cluster';
  hosts: { host: string; port: number }[];
  /** Sentinel's name of the master. */
  master?: string;
  db?: number;
  username?: string;
  password?: string;
  tls: boolean;
}

const URL_FORM = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/?#]+)(?:\/([^?#]*))?$/;
const DEFAULT_PORT = { server: 6379, cluster: 6379, sentinel: 26379 };

/**
 * Parses `redis://[user:password@]host:port[/db]`, `redis+sentinel://h1:p1,h2:p2/master-name[/db]` or
 * `redis+cluster://h1:p1,h2:p2`; with `rediss` over TLS. Errors do not repeat the URL, which may hold a password.
 */
export function parseRedisUrl(url: string): RedisAddress {
  const [, secure, kind = 'server', userInfo, authority = '', path = ''] = URL_FORM.exec(url) ?? [];
  if (secure === undefined || !isKind(kind)) throw new TypeError('not a Redis URL (redis://host:port)');
  const hosts = authority.split(',').map((part) => parseHost(part, DEFAULT_PORT[kind]));
  const [first = '', second = ''] = path.split('/');
  const address: RedisAddress = { kind, hosts, tls: secure === 's', ...parseUserInfo(userInfo) };
  if (kind === 'server' && hosts.length > 1) throw new TypeError('a single Redis server has one host');
  if (kind === 'cluster' && path !== '') throw new TypeError('a Redis Cluster has one database and no path');
  if (kind === 'sentinel' && first === '')
    throw new TypeError('a Sentinel URL names the master: /master-name');
  if (kind === 'sentinel') address.master = decodeURIComponent(first);
  const db = kind === 'sentinel' ? second : first;
  if (db !== '') address.db = parseNumber(db, 'database', 99_999);
  return address;
}

function isKind(kind: string): kind is RedisAddress['kind'] {
  return Object.hasOwn(DEFAULT_PORT, kind);
}

function parseHost(text: string, defaultPort: number): { host: string; port: number } {
  const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d+))?$/.exec(text) ?? [];
  if (!host) throw new TypeError('a Redis URL names its hosts as host:port');
  return { host: host.replace(/^\[|\]$/g, ''), port: port ? parseNumber(port, 'port', 65_535) : defaultPort };
}

function parseNumber(text: string, what: string, most: number): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > most)
    throw new TypeError(`the ${what} of a Redis URL is a number up to ${most}`);
  return Number(text);
}

function parseUserInfo(userInfo: string | undefined): { username?: string; password?: string } {
  if (!userInfo) return {};
  const colon = userInfo.indexOf(':');
  const username = decodeURIComponent(colon === -1 ? userInfo : userInfo.slice(0, colon));
  const password = colon === -1 ? '' : decodeURIComponent(userInfo.slice(colon + 1));
  return { ...(username && { username }), ...(password && { password }) };
}
