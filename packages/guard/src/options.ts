/**
 * For those who write JavaScript: a slip, `scopes` for `scope`, would have a route ask for nothing.
 * @throws {TypeError} that names the members which are not known
 */
export function refuseUnknown<T extends object>(
  what: string,
  given: T,
  known: Readonly<Record<keyof T, true>>,
): void {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(known, name));
  if (unknown.length === 0) return;
  throw new TypeError(`${what} has no ${unknown.join(', ')}, only ${Object.keys(known).join(', ')}`);
}

/** @throws {TypeError} on an address that no token could name, or that metadata could not be made of */
export function refuseOddAddresses({ issuer, audience }: { issuer: string; audience: string }): void {
  for (const [name, address] of Object.entries({ issuer, audience })) {
    if (typeof address !== 'string' || !/^https?:$/.test(URL.parse(address)?.protocol ?? ''))
      throw new TypeError(`${name} must be an http or https URL, not ${address}`);
    if (address.includes('#')) throw new TypeError(`${name} must not have a fragment: ${address}`);
  }
  // Tokens are compared with it by the letter.
  if (issuer.endsWith('/')) throw new TypeError(`issuer must not end with a slash: ${issuer}`);
}
