import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';
import { listenAnywhere, serveSubject } from '../subject.ts';
import { AUDIENCE, issueToken } from './issued-token.ts';
import { createRedisLimiter } from './redis-limiter.ts';

const { issuer, jwksUri, authorization } = await issueToken();
const limiter = createRedisLimiter();
const app = express();
app.use(auth({ issuer, jwksUri, audience: AUDIENCE, tokenSigningAlg: 'ES256' }));
app.use(requiredScopes('work-orders:read'));
app.use(async (request, response, next) => {
  const { remainingPoints } = await limiter.consume(String(request.auth?.payload.org_id));
  response.set('X-RateLimit-Remaining', String(remainingPoints));
  next();
});
app.get('/', (_request, response) => {
  response.json({ data: [], next_cursor: null });
});

serveSubject({ url: await listenAnywhere(app), method: 'GET', headers: { authorization } });
