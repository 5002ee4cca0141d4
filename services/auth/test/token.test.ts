import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAuth, type TestAuth } from './support/auth-server.ts';
import { basic, postForm, readAnswer, redeem, refresh, signIn } from './support/http.ts';
import { API, type Records, type RegisteredClient, seed } from './support/records.ts';
import { openStores, type TestStores } from './support/stores.ts';

let stores: TestStores;
let auth: TestAuth;
let records: Records;
let client: RegisteredClient;

beforeAll(async () => {
  stores = await openStores();
  auth = await startAuth(stores);
  records = await seed(stores.durable, auth.config.pepper);
  client = await records.addClient();
});
afterAll(async () => {
  await auth?.close();
  await stores?.close();
});

const token = (form: Record<string, string>, headers: Record<string, string> = basic(client)) =>
  postForm(`${auth.issuer}/oauth/token`, form, headers);

describe('client credentials', () => {
  test('give a JWT for the default API that verifies against the published keys', async () => {
    const { status, body } = await token({ grant_type: 'client_credentials', scope: 'work-orders:read' });
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'work-orders:read' });
    const keys = createRemoteJWKSet(new URL(`${auth.issuer}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(body.access_token ?? '', keys, {
      issuer: auth.issuer,
      audience: API,
      typ: 'at+jwt',
    });
    expect(protectedHeader.alg).toBe('ES256');
    expect(payload).toMatchObject({
      sub: client.id,
      client_id: client.id,
      org_id: records.organizationId,
      plan: 'professional',
      env: 'test',
    });
    expect(payload).not.toHaveProperty('role');
  });
});

describe('authorization code', () => {
  test('gives tokens that carry the seat, and a refresh token without offline_access', async () => {
    const { status, body } = await signIn(auth.issuer, {
      client,
      email: records.account.email,
      scope: 'openid profile email work-orders:read',
    });
    expect(status, JSON.stringify(body)).toBe(200);
    expect(decodeJwt(body.access_token ?? '')).toMatchObject({
      sub: records.account.id,
      org_id: records.organizationId,
      role: 'owner',
      plan: 'professional',
      env: 'test',
    });
    const refreshed = await refresh(auth.issuer, client, body.refresh_token ?? '');
    expect(refreshed.status).toBe(200);
    void redeem;
    void readAnswer;
  });
});
