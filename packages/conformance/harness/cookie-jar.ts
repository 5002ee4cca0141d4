interface Cookie {
  name: string;
  value: string;
  path: string;
}

/** One person's cookies at one host: enough of RFC 6265 to be a browser to a server we trust. */
export interface CookieJar {
  header(url: URL): string | undefined;
  store(url: URL, response: Response): void;
  /** Names of the cookies that would be sent to this URL. */
  names(url: URL): string[];
  clear(): void;
}

export function createCookieJar(): CookieJar {
  const cookies = new Map<string, Cookie>();
  const key = (url: URL, { name, path }: Cookie) => `${url.host};${path};${name}`;
  const matching = (url: URL) =>
    [...cookies]
      .filter(([id, { path }]) => id.startsWith(`${url.host};`) && pathMatches(url.pathname, path))
      .map(([, cookie]) => cookie)
      .toSorted((a, b) => b.path.length - a.path.length);
  return {
    header: (url) =>
      matching(url)
        .map(({ name, value }) => `${name}=${value}`)
        .join('; ') || undefined,
    names: (url) => matching(url).map(({ name }) => name),
    store(url, response) {
      for (const line of response.headers.getSetCookie()) {
        const { cookie, expired } = parse(line);
        if (expired) cookies.delete(key(url, cookie));
        else cookies.set(key(url, cookie), cookie);
      }
    },
    clear: () => cookies.clear(),
  };
}

function parse(line: string): { cookie: Cookie; expired: boolean } {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
  const at = pair.indexOf('=');
  const named = new Map(
    attributes.map((part) => [part.split('=')[0]?.toLowerCase(), part.slice(part.indexOf('=') + 1)]),
  );
  const expires = named.get('expires');
  return {
    cookie: { name: pair.slice(0, at), value: pair.slice(at + 1), path: named.get('path') ?? '/' },
    expired: named.get('max-age') === '0' || (expires !== undefined && Date.parse(expires) <= Date.now()),
  };
}

// RFC 6265 §5.1.4
function pathMatches(requestPath: string, path: string): boolean {
  return requestPath === path || requestPath.startsWith(path.endsWith('/') ? path : `${path}/`);
}
