import jwksRsa from 'jwks-rsa';
import Koa from 'koa';
import jwt from 'koa-jwt';
import { listenAnywhere, serveSubject } from '../subject.ts';
import { AUDIENCE, issueToken } from './issued-token.ts';
import { createRedisLimiter } from './redis-limiter.ts';

const { issuer, jwksUri, authorization } = await issueToken();
const limiter = createRedisLimiter();
const app = new Koa();
app.use(
  jwt({
    secret: jwksRsa.koaJwtSecret({ jwksUri, cache: true }),
    issuer,
    audience: AUDIENCE,
    algorithms: ['ES256'],
  }),
);
app.use(async (ctx, next) => {
  const { org_id, scope } = ctx.state.user as { org_id: string; scope: string };
  if (!scope.split(' ').includes('work-orders:read')) ctx.throw(403);
  const { remainingPoints } = await limiter.consume(org_id);
  ctx.set('X-RateLimit-Remaining', String(remainingPoints));
  return next();
});
app.use((ctx) => {
  ctx.body = { data: [], next_cursor: null };
});

serveSubject({ url: await listenAnywhere(app.callback()), method: 'GET', headers: { authorization } });
