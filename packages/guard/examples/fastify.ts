/** Orders behind Fastify: access tokens are validated here, before a body is read. */
import { createFastifyGuard, createGuard, type Principal } from '@latchkey/guard';
import { fastify } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal;
  }
}

const { ISSUER = 'http://127.0.0.1:3000', AUDIENCE = 'http://localhost:3100', PORT = '3100' } = process.env;
const guard = createGuard({
  issuer: ISSUER,
  audience: AUDIENCE,
  onKeysFailure: (error) => process.stderr.write(`${error}\n`),
  metadata: { scopesSupported: ['orders:read'] },
});
const { protect, metadata } = createFastifyGuard(guard);

const app = fastify();
app.decorateRequest('principal');
app.route(metadata);
app.get('/v1/orders', { onRequest: protect({ scope: 'orders:read' }) }, async ({ principal }) => ({
  orders: [{ id: 'order_1', organization: principal.organizationId, environment: principal.environment }],
}));
await app.listen({ port: Number(PORT) });
