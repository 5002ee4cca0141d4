import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { describe, expect, test } from 'vitest';
import { authorize } from '../harness/person.ts';
import { CALLBACK } from '../harness/seed.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent } from '../harness/user-agent.ts';

/** Whole flows through client libraries that check every answer against the RFCs themselves. */
const deployment = useDeployment();
const insecure = { [oauth.allowInsecureRequests]: true };
const SCOPE = 'openid profile email work-orders:read';

async function configure(
  id: string,
  secret: string | undefined,
  options: client.DiscoveryRequestOptions = {},
) {
  const auth = secret === undefined ? client.None() : client.ClientSecretBasic(secret);
  const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks];
  return client.discovery(new URL(deployment.issuer), id, undefined, auth, { execute, ...options });
}

async function login(configuration: client.Configuration) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: CALLBACK,
    scope: SCOPE,
    state: expectedState,
    nonce: expectedNonce,
    max_age: '300',
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  });
  const callback = await authorize(createUserAgent(deployment.issuer), url, deployment.people.owner);
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, maxAge: 300, idTokenExpected: true };
  return client.authorizationCodeGrant(configuration, callback, checks);
}

describe('OpenID Connect Core as openid-client sees it', () => {
  test.each(['web', 'spa', 'native'] as const)(
    '§3.1 code with PKCE, nonce and max_age, userinfo, refresh and revocation: %s client',
    async (kind) => {
      const { client_id, ...rest } = deployment.clients[kind];
      const secret = 'client_secret' in rest ? rest.client_secret : undefined;
      const configuration = await configure(client_id, secret);
      const tokens = await login(configuration);
      const claims = tokens.claims();
      expect(claims?.sub).toBe(deployment.people.owner.id);
      const info = await client.fetchUserInfo(configuration, tokens.access_token, claims?.sub ?? '');
      expect(info.email).toBe(deployment.people.owner.email);
      const next = await client.refreshTokenGrant(configuration, tokens.refresh_token ?? '');
      expect(next.refresh_token).not.toBe(tokens.refresh_token);
      await client.tokenRevocation(configuration, next.refresh_token ?? '');
      await expect(client.refreshTokenGrant(configuration, next.refresh_token ?? '')).rejects.toMatchObject({
        error: 'invalid_grant',
      });
    },
  );

  test('§3.1 introspection by the resource server', async () => {
    const { clients } = deployment;
    const tokens = await login(await configure(clients.web.client_id, clients.web.client_secret));
    const { client_id, client_secret } = clients.resourceServer;
    const server = await configure(client_id, client_secret);
    expect(await client.tokenIntrospection(server, tokens.access_token)).toMatchObject({
      active: true,
      client_id: clients.web.client_id,
    });
  });

  test('§9 client credentials by the oauth2 metadata document', async () => {
    const { client_id, client_secret } = deployment.clients.machine;
    const configuration = await configure(client_id, client_secret, { algorithm: 'oauth2' });
    const tokens = await client.clientCredentialsGrant(configuration, { scope: 'work-orders:read' });
    expect(tokens.scope).toBe('work-orders:read');
  });

  test('§3.1.2.6 a denial is an authorization error with our code', async () => {
    const { client_id, client_secret } = deployment.clients.web;
    const configuration = await configure(client_id, client_secret);
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: CALLBACK,
      scope: 'openid',
      prompt: 'consent',
      code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
      code_challenge_method: 'S256',
    });
    const { people, issuer } = deployment;
    const callback = await authorize(createUserAgent(issuer), url, people.owner, 'deny');
    await expect(client.authorizationCodeGrant(configuration, callback)).rejects.toMatchObject({
      error: 'access_denied',
    });
  });
});

describe('RFC 6749 as oauth4webapi sees it', () => {
  const authorizationServer = async () => {
    const issuer = new URL(deployment.issuer);
    const response = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' });
    return oauth.processDiscoveryResponse(issuer, response);
  };

  test('§4.1 code with PKCE, ID token signature, refresh, introspection and revocation', async () => {
    const as = await authorizationServer();
    const { client_id, client_secret } = deployment.clients.web;
    const auth = oauth.ClientSecretBasic(client_secret);
    const verifier = oauth.generateRandomCodeVerifier();
    const url = new URL(as.authorization_endpoint ?? '');
    url.search = new URLSearchParams({
      client_id,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: SCOPE,
      state: 's',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString();
    const callback = await authorize(createUserAgent(deployment.issuer), url, deployment.people.admin);
    const answer = oauth.validateAuthResponse(as, { client_id }, callback, 's');
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      { client_id },
      auth,
      answer,
      CALLBACK,
      verifier,
      insecure,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(as, { client_id }, response, {
      requireIdToken: true,
    });
    await oauth.validateApplicationLevelSignature(as, response, insecure);
    const refreshed = await oauth.processRefreshTokenResponse(
      as,
      { client_id },
      await oauth.refreshTokenGrantRequest(as, { client_id }, auth, tokens.refresh_token ?? '', insecure),
    );
    const inspect = async () =>
      oauth.processIntrospectionResponse(
        as,
        { client_id },
        await oauth.introspectionRequest(as, { client_id }, auth, refreshed.access_token, insecure),
      );
    expect((await inspect()).active).toBe(true);
    const token = refreshed.refresh_token ?? '';
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(as, { client_id }, auth, token, insecure),
    );
    expect((await inspect()).active).toBe(false);
  });

  test('§5.2 an error is read as one, with its code and its challenge', async () => {
    const as = await authorizationServer();
    const machine = { client_id: deployment.clients.machine.client_id };
    const wrong = oauth.ClientSecretBasic('wrong');
    const response = await oauth.clientCredentialsGrantRequest(as, machine, wrong, {}, insecure);
    const failure = await oauth
      .processClientCredentialsResponse(as, machine, response)
      .catch((error) => error);
    expect(failure).toBeInstanceOf(oauth.WWWAuthenticateChallengeError);
    expect(failure.cause[0].scheme).toBe('basic');
  });
});
