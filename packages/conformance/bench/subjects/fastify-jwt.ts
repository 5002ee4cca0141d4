import jwt from '@fastify/jwt';
import fastify from 'fastify';
import { serveSubject } from '../subject.ts';
import { AUDIENCE, issueToken } from './issued-token.ts';
import { createRedisLimiter } from './redis-limiter.ts';

const { issuer, publicKeyPem, authorization } = await issueToken();
const limiter = createRedisLimiter();
const app = fastify();
app.register(jwt, {
  secret: { public: publicKeyPem, private: '' },
  verify: { algorithms: ['ES256'], allowedIss: issuer, allowedAud: AUDIENCE, cache: true },
});
app.get('/', {
  onRequest: async (request, reply) => {
    const { org_id, scope } = await request.jwtVerify<{ org_id: string; scope: string }>();
    if (!scope.split(' ').includes('work-orders:read')) return reply.code(403).send();
    const { remainingPoints } = await limiter.consume(org_id);
    reply.header('X-RateLimit-Remaining', remainingPoints);
  },
  handler: async () => ({ data: [], next_cursor: null }),
});

const url = await app.listen({ host: '127.0.0.1', port: 0 });
serveSubject({ url, method: 'GET', headers: { authorization } });
