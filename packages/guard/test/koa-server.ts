/** Koa servers behind guards, and requests to them as a trusted proxy would pass them on. */
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import {
  createKoaGuard,
  type Guard,
  type KoaGuardOptions,
  type Principal,
  type RoutePolicy,
} from '../src/index.ts';

/** The guards of these servers trust it: requests come by https as far as it says so. */
export const PROXY = '127.0.0.1';
export const CLIENT = '192.0.2.1';

export interface KoaServer {
  url(path?: string): string;
  /** As the proxy passes it on: by https, from a client's address. */
  send(authorization?: string, path?: string, init?: RequestInit): Promise<Response>;
  close(): void;
}

export async function serveKoa(
  guard: Guard,
  policy: RoutePolicy,
  options?: KoaGuardOptions,
): Promise<KoaServer> {
  const { protect, metadata } = createKoaGuard(guard, options);
  const app = new Koa();
  app.use(metadata);
  app.use(protect(policy));
  app.use((ctx) => {
    const principal: Principal = ctx.state.principal;
    ctx.body = { account: principal.accountId, key: principal.apiKeyId };
  });
  const server = await listen(app);
  const url = (path = '/') => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  return {
    url,
    send(authorization, path, init = {}) {
      const headers = new Headers({ 'x-forwarded-proto': 'https', 'x-forwarded-for': CLIENT });
      if (authorization !== undefined) headers.set('authorization', authorization);
      for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
      return fetch(url(path), { ...init, headers });
    },
    close: () => void server.close().closeAllConnections(),
  };
}

async function listen(app: Koa): Promise<Server> {
  const listening = createServer(app.callback()).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return listening;
}

/** Two Authorization lines, which fetch would fold into one. */
export function sendTwice(url: string, authorization: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent = request(url, (answer) => {
      const headers = new Headers(answer.headers as Record<string, string>);
      const chunks: Buffer[] = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () =>
        resolve(new Response(Buffer.concat(chunks), { status: answer.statusCode ?? 0, headers })),
      );
    });
    sent.setHeader('Authorization', [authorization, authorization]);
    sent.setHeader('X-Forwarded-Proto', 'https');
    sent.on('error', reject).end();
  });
}
