/** The same routes in every framework, behind one guard. */
import { once } from 'node:events';
import {
  Agent,
  createServer,
  type RequestListener,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import express from 'express';
import { fastify, type onRequestHookHandler } from 'fastify';
import Koa from 'koa';
import {
  createExpressGuard,
  createFastifyGuard,
  createFetchGuard,
  createKoaGuard,
  type Guard,
  type GuardError,
  type Principal,
  type RoutePolicy,
} from '../src/index.ts';

export interface Message {
  method?: string;
  /** Several of one name are sent as several lines. */
  headers?: [name: string, value: string][];
  body?: string;
}

export interface Adapted {
  send(path: string, message?: Message): Promise<Response>;
  /** What the handler of `/orders` was handed, in order. */
  principals: (Principal | undefined)[];
  close(): Promise<void>;
}

export interface Plan {
  guard: Guard;
  policy: RoutePolicy;
  /** Answers refusals with its text and status 418. */
  own?: (error: GuardError) => string | Promise<string>;
}

/**
 * `/orders` answers `{ account }` with a header of its own; `/broken` throws; on `/late` somebody answers before the guard
 * has made up its mind, where the framework lets him.
 */
export type Adapt = (plan: Plan) => Promise<Adapted>;

async function serve(listener: RequestListener): Promise<Pick<Adapted, 'send' | 'close'>> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { send: createSend(server), close: async () => void server.close().closeAllConnections() };
}

const answerOwn = (response: ServerResponse, text: string) => void response.writeHead(418).end(text);

export const adaptKoa: Adapt = async ({ guard, policy, own }) => {
  const principals: Adapted['principals'] = [];
  const options = own && {
    onRefusal: async (ctx: { status: number; body: unknown }, error: GuardError) => {
      ctx.status = 418;
      ctx.body = await own(error);
    },
  };
  const { protect, metadata } = createKoaGuard(guard, options);
  const app = new Koa();
  app.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      ctx.status = 500;
      ctx.body = error instanceof Error ? error.message : 'unknown';
    }
  });
  app.use(metadata);
  app.use(protect(policy));
  app.use((ctx) => {
    if (ctx.path === '/broken') throw new Error('broken');
    principals.push(ctx.state.principal);
    ctx.set('X-Own', 'kept');
    ctx.body = { account: ctx.state.principal.accountId };
  });
  return { ...(await serve(app.callback())), principals };
};

export const adaptExpress: Adapt = async ({ guard, policy, own }) => {
  const principals: Adapted['principals'] = [];
  const { protect, metadata } = createExpressGuard(
    guard,
    own && { onRefusal: async (_, response, error) => answerOwn(response, await own(error)) },
  );
  const app = express().use(metadata);
  // Mounted: what Express hands on as `url` is `/` alone.
  app.use('/orders', protect(policy), (incoming, response) => {
    principals.push(incoming.principal);
    response.set('X-Own', 'kept').json({ account: incoming.principal.accountId });
  });
  app.get('/broken', protect(policy), () => {
    throw new Error('broken');
  });
  const hasty: express.RequestHandler = (_request, response, next) => {
    next();
    response.end('timed out');
  };
  app.get('/late', hasty, protect(policy), (incoming) => void principals.push(incoming.principal));
  const explain: express.ErrorRequestHandler = (error, _request, response, _next) =>
    void response.status(500).send(error.message);
  return { ...(await serve(app.use(explain))), principals };
};

export const adaptFastify: Adapt = async ({ guard, policy, own }) => {
  const principals: Adapted['principals'] = [];
  const { protect, metadata } = createFastifyGuard(
    guard,
    own && { onRefusal: async (_, reply, error) => answerOwn(reply.raw, await own(error)) },
  );
  const app = fastify();
  app.route(metadata);
  app.all('/orders', { onRequest: protect(policy) }, async (incoming, reply) => {
    principals.push(incoming.principal);
    reply.header('X-Own', 'kept');
    return { account: incoming.principal.accountId };
  });
  app.get('/broken', { preHandler: protect(policy) }, async () => {
    throw new Error('broken');
  });
  const hasty: onRequestHookHandler = (_request, reply, done) => {
    done();
    reply.send('timed out');
  };
  app.get('/late', { onRequest: [hasty, protect(policy)] }, async (incoming) => {
    principals.push(incoming.principal);
  });
  app.setErrorHandler((error: Error, _request, reply) => reply.code(500).send(error.message));
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { send: createSend(app.server), principals, close: () => app.close() };
};

export const adaptFetch: Adapt = async ({ guard, policy, own }) => {
  const principals: Adapted['principals'] = [];
  const { protect, metadata } = createFetchGuard(
    guard,
    own && { onRefusal: async (_, error) => new Response(await own(error), { status: 418 }) },
  );
  const orders = protect(policy, (_request, principal) => {
    principals.push(principal);
    return Response.json({ account: principal.accountId }, { headers: { 'X-Own': 'kept' } });
  });
  const broken = protect(policy, () => Promise.reject(new Error('broken')));
  const route = async (incoming: Request) => {
    const info = { remoteAddress: '127.0.0.1' };
    const described = metadata(incoming);
    if (described) return described;
    if (!incoming.url.endsWith('/broken')) return orders(incoming, info);
    return broken(incoming, info).catch((error: Error) => new Response(error.message, { status: 500 }));
  };
  return {
    send: (path, { headers = [], ...init } = {}) =>
      route(new Request(`http://localhost${path}`, { ...init, headers })),
    principals,
    close: async () => {},
  };
};

/** Over one connection, with lines of headers as they are given, which fetch would fold into one. */
function createSend(server: Server): Adapted['send'] {
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  server.on('close', () => agent.destroy());
  return async (path, { method = 'GET', headers = [], body } = {}) => {
    const lines = [['Host', 'localhost'], ...headers].flat();
    const sent = request({ agent, host: '127.0.0.1', port, path, method, headers: lines }).end(body);
    const [answer] = await once(sent, 'response');
    const received = new Headers();
    for (const [name, values] of Object.entries<string[]>(answer.headersDistinct)) {
      for (const value of values) received.append(name, value);
    }
    return new Response(await buffer(answer), { status: answer.statusCode, headers: received });
  };
}
