import { generateKeyPairSync } from 'node:crypto';
import Provider, { type Configuration } from 'oidc-provider';
import { listenAnywhere, serveSubject } from '../subject.ts';

/**
 * The baseline of the authorization server: oidc-provider as it comes, its own in-memory adapter, one client in
 * its configuration. LOAD says which endpoint is measured.
 */
const RESOURCE = 'https://api.example.com';
const BASIC = `Basic ${Buffer.from('client:secret').toString('base64')}`;
const FORM = { authorization: BASIC, 'content-type': 'application/x-www-form-urlencoded' };
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** JWTs are what is issued; for introspection opaque ones, since the library refuses to introspect a JWT. */
const accessTokenFormat = process.env.LOAD === 'introspect' ? 'opaque' : 'jwt';

const configuration: Configuration = {
  clients: [
    {
      client_id: 'client',
      client_secret: 'secret',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
  ],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' }] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      getResourceServerInfo: () => ({
        scope: 'work-orders:read',
        audience: RESOURCE,
        accessTokenFormat,
        accessTokenTTL: 3600,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
};

const provider = new Provider('http://127.0.0.1', configuration);
const url = await listenAnywhere(provider.callback());
const tokenRequest = {
  method: 'POST',
  headers: FORM,
  body: 'grant_type=client_credentials&scope=work-orders%3Aread',
};

if (process.env.LOAD === 'introspect') {
  const answer = await fetch(`${url}/token`, tokenRequest);
  const { access_token } = (await answer.json()) as { access_token: string };
  serveSubject({
    url: `${url}/token/introspection`,
    method: 'POST',
    headers: FORM,
    body: new URLSearchParams({ token: access_token }).toString(),
  });
} else {
  serveSubject({ url: `${url}/token`, method: 'POST', headers: FORM, body: tokenRequest.body });
}
