/** Orders behind Koa: access tokens are validated here, without a call to the issuer, and their use is limited. */
import {
  createGuard,
  createKoaGuard,
  createMemoryPermits,
  createRateLimiter,
  type Principal,
} from '@latchkey/guard';
import Koa from 'koa';

const { ISSUER = 'http://127.0.0.1:3000', AUDIENCE = 'http://localhost:3100', PORT = '3100' } = process.env;
const guard = createGuard({
  issuer: ISSUER,
  audience: AUDIENCE,
  onKeysFailure: (error) => process.stderr.write(`${error}\n`),
  // Counts in this process alone: with several, `createRedisPermits` shares the limits among them.
  limiter: createRateLimiter({ permits: createMemoryPermits() }),
  metadata: { scopesSupported: ['orders:read'] },
});
const { protect, metadata } = createKoaGuard(guard);

const app = new Koa();
app.use(metadata);
app.use(protect({ name: 'orders', scope: 'orders:read', limit: { requests: 60, windowSeconds: 60 } }));
app.use((ctx) => {
  const { organizationId, environment }: Principal = ctx.state.principal;
  ctx.body = { orders: [{ id: 'order_1', organization: organizationId, environment }] };
});
app.listen(Number(PORT));
