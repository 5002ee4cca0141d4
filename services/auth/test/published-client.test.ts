import { decodeJwt } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { authorize, postForm, readAnswer, refresh, signIn } from './support/http.ts';
import type { RegisteredClient } from './support/records.ts';
import { useScene } from './support/scene.ts';

const lines: string[] = [];
const scene = useScene({ logs: { write: (line) => void lines.push(line) } });
const url = () => `${scene.auth.issuer}/oauth/token`;
const token = (form: Record<string, string>, headers: Record<string, string>) =>
  postForm(url(), form, headers);
const postJson = async (body: unknown) =>
  readAnswer(
    await fetch(url(), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  );
const email = () => scene.records.account.email;
const CLIENT_CREDENTIALS = { grant_type: 'client_credentials', scope: 'work-orders:read' };

describe('the published client code', () => {
  let client: RegisteredClient;
  beforeAll(async () => {
    client = await scene.records.addClient({
      token_endpoint_auth_method: 'client_secret_post',
      require_pkce: false,
      refresh_without_secret: true,
    });
  });
  const flow = () =>
    authorize(scene.auth.issuer, {
      client,
      email: email(),
      scope: 'work-orders:read inventory:read',
      pkce: false,
    });

  test('exchanges a code by JSON without redirect_uri or PKCE, and refreshes without a secret', async () => {
    const { code } = await flow();
    const tokens = await postJson({
      client_id: client.id,
      client_secret: client.secret,
      code,
      grant_type: 'authorization_code',
    });
    expect(tokens.status).toBe(200);
    expect(decodeJwt(tokens.body.access_token ?? '').scope).toBe('work-orders:read inventory:read');
    const refreshed = await postJson({
      grant_type: 'refresh_token',
      refresh_token: tokens.body.refresh_token,
      client_id: client.id,
    });
    expect(refreshed.status).toBe(200);
    expect(refreshed.body.refresh_token).not.toBe(tokens.body.refresh_token);
    const wrong = { ...client, secret: 'wrong' };
    expect((await refresh(scene.auth.issuer, wrong, refreshed.body.refresh_token ?? '')).status).toBe(401);
  });

  test('whose JSON is malformed has nothing of it in the log', async () => {
    const body = `{"client_secret": ${client.secret}}`;
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(url(), { method: 'POST', headers, body })).status).toBe(400);
    expect(lines.some((line) => line.includes('request failed'))).toBe(true);
    expect(lines.join('')).not.toContain(client.secret.slice(0, 6));
  });

  test('is the exception: code, client credentials and other clients still need the secret', async () => {
    const { code } = await flow();
    const bare = await postJson({ client_id: client.id, code, grant_type: 'authorization_code' });
    expect(bare.status).toBe(401);
    expect((await postJson({ ...CLIENT_CREDENTIALS, client_id: client.id })).status).toBe(401);
    const other = await signIn(scene.auth.issuer, {
      client: scene.client,
      email: email(),
      scope: 'work-orders:read',
    });
    const stolen = { grant_type: 'refresh_token', refresh_token: other.body.refresh_token ?? '' };
    expect((await token({ ...stolen, client_id: scene.client.id }, {})).status).toBe(401);
    expect((await token({ ...stolen, client_id: client.id }, {})).body.error).toBe('invalid_grant');
  });
});
