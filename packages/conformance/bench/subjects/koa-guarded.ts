import { createGuard, createKoaGuard } from '@latchkey/guard';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import Koa from 'koa';
import { listenAnywhere, serveSubject } from '../subject.ts';

/** The baseline's answer behind the guard: local validation, one scope, a revocation list that is asked. */
const AUDIENCE = 'https://api.example.com';
const { privateKey, publicKey } = await generateKeyPair('ES256');
const key = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' };
const issuer = await listenAnywhere((_request, response) => {
  response.setHeader('Content-Type', 'application/jwk-set+json');
  response.end(JSON.stringify({ keys: [key] }));
});

const token = await new SignJWT({
  client_id: 'client',
  scope: 'work-orders:read',
  jti: 'bench',
  org_id: 'org_1',
})
  .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })
  .setIssuer(issuer)
  .setAudience(AUDIENCE)
  .setSubject('client')
  .setIssuedAt()
  .setExpirationTime('1h')
  .sign(privateKey);

const guard = createKoaGuard(
  createGuard({ issuer, audience: AUDIENCE, requireHttps: false, revocations: { isRevoked: () => false } }),
);
const app = new Koa();
app.use(guard.metadata);
app.use(guard.protect({ scope: 'work-orders:read' }));
app.use((ctx) => {
  ctx.body = { data: [], next_cursor: null };
});

serveSubject({
  url: await listenAnywhere(app.callback()),
  method: 'GET',
  headers: { authorization: `Bearer ${token}` },
});
