import { describe, expect, test } from 'vitest';
import { registerClient } from '../harness/clients.ts';
import { basic, type Form, postAs, postForm, present } from '../harness/endpoints.ts';
import { obtainCode, obtainTokens, redeem, refresh } from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const deployment = useDeployment({}, (ready) =>
  registerClient(ready, 'client_post', {
    application_type: 'machine',
    token_endpoint_auth_method: 'client_secret_post',
    scope: 'work-orders:read',
  }),
);
const endpoint = () => `${deployment.issuer}/oauth/token`;
const machine = () => deployment.clients.machine;
const request = { grant_type: 'client_credentials', scope: 'work-orders:read' };
/** RFC 6749 §5.2: no double quote, no backslash, printable ASCII. */
const DESCRIPTION = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

describe('RFC 6749 token endpoint', () => {
  test('§5.1 MUST NOT be stored by caches, success and error alike', async () => {
    const answers = [
      await postAs(machine(), endpoint(), request),
      await postAs(machine(), endpoint(), { grant_type: 'nonsense' }),
      await postForm(endpoint(), request),
      await fetch(endpoint(), { method: 'POST', headers: { 'content-type': 'application/json' }, body: '[' }),
    ];
    for (const { headers } of answers) expect(headers.get('cache-control')).toBe('no-store');
  });

  test('§5.1 MUST be application/json with access_token, token_type, expires_in and the refresh token', async () => {
    const { answer } = await obtainTokens(deployment);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3600,
      refresh_token: expect.any(String),
      scope: 'work-orders:read',
    });
  });

  test('§5.1 scope is named where it is less than was asked for', async () => {
    const { people, clients } = deployment;
    const scope = 'work-orders:read work-orders:write';
    const { answer } = await obtainTokens(deployment, {
      client: clients.spa,
      person: people.viewer,
      parameters: { scope },
    });
    expect(answer.body.scope).toBe('work-orders:read');
  });

  test('§3.2 MUST be POST: another method is not served', async () => {
    const query = new URLSearchParams(request);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await fetch(`${endpoint()}?${query}`, { method, headers: basic(machine()) });
      expect([404, 405]).toContain(response.status);
    }
  });

  test('§3.2 MUST NOT include parameters more than once', async () => {
    const form = new URLSearchParams(request);
    form.append('scope', 'work-orders:read');
    const answer = await postForm(endpoint(), form, basic(machine()));
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
  });

  test('§3.2 MUST ignore unrecognized parameters', async () => {
    expect((await postAs(machine(), endpoint(), { ...request, colour: 'blue' })).status).toBe(200);
  });

  test('§2.3.1 credentials MUST NOT be in the request URI', async () => {
    const { client_id, client_secret } = machine();
    const query = new URLSearchParams({ client_id, client_secret });
    const answer = await postForm(`${endpoint()}?${query}`, request);
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('§2.3 MUST NOT use more than one authentication method in a request', async () => {
    const { client_id, client_secret } = machine();
    const answer = await postForm(endpoint(), { ...request, client_id, client_secret }, basic(machine()));
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
  });

  test('§2.3.1 MUST support HTTP Basic for every client with a password, and takes it from the form too', async () => {
    const postClient = { client_id: 'client_post', client_secret: 'client_post-secret-0123456789abcdef' };
    for (const client of [postClient, machine()]) {
      expect((await postForm(endpoint(), request, basic(client))).status).toBe(200);
      expect((await postForm(endpoint(), { ...request, ...client })).status).toBe(200);
      const wrong = await postForm(endpoint(), { ...request, ...client, client_secret: 'wrong' });
      expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    }
  });
});

describe('RFC 6749 error response', () => {
  test.each<[string, string, Form]>([
    ['invalid_request', 'without grant_type', {}],
    ['unsupported_grant_type', 'for a grant type nobody knows', { grant_type: 'telepathy' }],
    [
      'unsupported_grant_type',
      'for the password grant',
      { grant_type: 'password', username: 'a', password: 'b' },
    ],
    ['unsupported_grant_type', 'for implicit', { grant_type: 'implicit' }],
    ['unauthorized_client', 'for a grant type of others', { grant_type: 'authorization_code', code: 'x' }],
    ['invalid_scope', 'for a scope of others', { grant_type: 'client_credentials', scope: 'openid' }],
    ['invalid_target', 'for an unknown resource', { ...request, resource: 'https://elsewhere.example' }],
  ])('§5.2 %s %s: 400 and the shape of an error', async (error, _, form) => {
    const answer = await postAs(machine(), endpoint(), form);
    expect(answer).toMatchObject({ status: 400, body: { error } });
    expect(answer.body.error_description).toMatch(DESCRIPTION);
    expect(answer.body.access_token).toBeUndefined();
    expect(answer.body.request_id).toBe(answer.headers.get('x-request-id'));
  });

  test.each<[string, () => Record<string, string>]>([
    ['an unknown client', () => basic({ client_id: 'client_nobody', client_secret: 'x' })],
    ['a wrong secret', () => basic({ ...machine(), client_secret: 'wrong' })],
    [
      'a secret with one character more',
      () => basic({ ...machine(), client_secret: `${machine().client_secret}x` }),
    ],
    [
      'another client’s secret',
      () => basic({ ...machine(), client_secret: deployment.clients.web.client_secret }),
    ],
    ['the digest the library would hold', () => basic({ ...machine(), client_secret: 'kept-as-digests' })],
    ['a public client’s id with a secret', () => basic({ client_id: 'client_spa', client_secret: 'x' })],
  ])(
    '§5.2 invalid_client for %s over Basic: 401 with WWW-Authenticate of that scheme',
    async (_, headers) => {
      const answer = await postForm(endpoint(), request, headers());
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="/);
      expect(answer.body.error_description).toMatch(DESCRIPTION);
    },
  );

  test('§5.2 invalid_client where no client authentication is included', async () => {
    for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke']) {
      const answer = await postForm(deployment.issuer + path, { ...request, token: 'x' });
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="/);
    }
  });

  test('§5.2 is application/json, though the caller prefers HTML as Java’s client does', async () => {
    const accept = 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2';
    for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke', '/oauth/userinfo']) {
      for (const headers of [
        { accept },
        { accept, ...basic(machine()) },
        { accept, 'content-type': 'text/plain' },
      ]) {
        const response = await fetch(deployment.issuer + path, {
          method: 'POST',
          headers,
          body: 'grant_type=x',
        });
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.headers.get('content-type')).toMatch(/^application\/json/);
      }
    }
  });

  test('§5.2 the answer is the same for an unknown client and a wrong secret', async () => {
    const unknown = await postForm(endpoint(), request, basic({ client_id: 'client_x', client_secret: 'x' }));
    const wrong = await postForm(endpoint(), request, basic({ ...machine(), client_secret: 'x' }));
    const shape = ({ status, body }: typeof wrong) => ({ status, ...body, request_id: '' });
    expect(shape(unknown)).toEqual(shape(wrong));
  });

  test.each([
    ['without credentials', 'Basic'],
    ['that is not base64', 'Basic %%%'],
    ['without a colon', `Basic ${btoa('client_machine')}`],
    ['with broken percent-encoding', `Basic ${btoa('client%zz:secret')}`],
    ['with a null byte', `Basic ${btoa('client_machine\0:secret')}`],
    ['with an empty secret', `Basic ${btoa('client_machine:')}`],
    ['of another scheme', 'Bearer abc'],
    ['that is empty', ''],
  ])('§5.2 an Authorization header %s is a client error, not a fault', async (_, authorization) => {
    const answer = await postForm(endpoint(), request, { authorization });
    expect([400, 401]).toContain(answer.status);
    expect(answer.body.error).toMatch(/^invalid_(request|client)$/);
  });

  test('§5.2 invalid_grant for a code, invalid_grant for a refresh token: both 400', async () => {
    const code = await obtainCode(deployment);
    await redeem(deployment, code);
    expect(await redeem(deployment, code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await refresh(deployment, 'x'.repeat(43))).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });

  test('§4.1.3 JSON bodies get the same answers as forms', async () => {
    const attempts: Form[] = [request, {}, { grant_type: 'telepathy' }, { ...request, scope: 'moon:walk' }];
    for (const form of attempts) {
      const asForm = await postAs(machine(), endpoint(), form);
      const asJson = await fetch(endpoint(), {
        method: 'POST',
        headers: { ...basic(machine()), 'content-type': 'application/json' },
        body: JSON.stringify(present(form)),
      });
      const json = (await asJson.json()) as Record<string, unknown>;
      expect([asJson.status, json.error, json.scope]).toEqual([
        asForm.status,
        asForm.body.error,
        asForm.body.scope,
      ]);
    }
  });
});
