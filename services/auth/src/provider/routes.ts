/** Where the endpoints are. */
export const ROUTES = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  introspection: '/oauth/introspect',
  revocation: '/oauth/revoke',
  userinfo: '/oauth/userinfo',
  jwks: '/oauth/jwks',
  end_session: '/oauth/logout',
} as const;

/** Those that the library knows nothing of. */
export const OWN_ROUTES = {
  leakedKeys: '/leaked-keys',
} as const;

/** Those that programs call; the others are opened by browsers. */
export const PROGRAM_ROUTES = [
  ROUTES.token,
  ROUTES.introspection,
  ROUTES.revocation,
  ROUTES.userinfo,
  OWN_ROUTES.leakedKeys,
] as const;
