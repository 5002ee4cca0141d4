import { describe, expect, test } from 'vitest';
import { postAs, postForm } from '../harness/endpoints.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const deployment = useDeployment();
const request = { grant_type: 'client_credentials', scope: 'work-orders:read' };

describe('RFC 6749 client credentials grant', () => {
  test('§4.4.3 a confidential client gets an access token and no refresh token', async () => {
    const { body } = await postAs(deployment.clients.machine, `${deployment.issuer}/oauth/token`, request);
    expect(body).toEqual({
      access_token: expect.stringMatching(/^ey/),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'work-orders:read',
    });
  });

  test('§4.4 MUST only be used by confidential clients', async () => {
    const { status, body } = await postForm(`${deployment.issuer}/oauth/token`, {
      ...request,
      client_id: deployment.clients.spa.client_id,
    });
    expect([status, body.error]).toEqual([400, 'unauthorized_client']);
  });

  test('§4.4 a confidential client that is not registered for it is refused', async () => {
    const answer = await postAs(deployment.clients.web, `${deployment.issuer}/oauth/token`, request);
    expect([answer.status, answer.body.error]).toEqual([400, 'unauthorized_client']);
  });

  test.each(['organization:write', 'moon:walk', 'work-orders:read moon:walk', 'work"orders'])(
    '§4.4.2 invalid_scope for %j, which is not the client’s',
    async (scope) => {
      const { clients, issuer } = deployment;
      const answer = await postAs(clients.machine, `${issuer}/oauth/token`, { ...request, scope });
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_scope']);
    },
  );

  test('§3.3 without a scope the default is issued and named', async () => {
    const { clients, issuer } = deployment;
    const answer = await postAs(clients.machine, `${issuer}/oauth/token`, { ...request, scope: undefined });
    expect(String(answer.body.scope).split(' ')).toContain('work-orders:write');
  });
});
