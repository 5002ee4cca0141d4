import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A client's website, on a loopback port of its own: a link that starts signing in, and the callback. */
export interface Application {
  origin: string;
  /** Where the link on its front page leads. */
  linkTo(url: URL): void;
  /** Queries of the callbacks it received. */
  callbacks: URLSearchParams[];
  close(): Promise<void>;
}

/** `landing`: where the callback sends the browser on to, as many applications do. */
export async function startApplication({ landing }: { landing?: string } = {}): Promise<Application> {
  const callbacks: URLSearchParams[] = [];
  let link = '';
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://application.invalid');
    if (url.pathname === '/callback') callbacks.push(url.searchParams);
    if (url.pathname === '/callback' && landing) response.writeHead(302, { location: landing }).end();
    else if (url.pathname === '/callback') sendPage(response, 'Welcome back');
    else if (url.pathname === '/bye') sendPage(response, 'Goodbye');
    else if (url.pathname === '/')
      sendPage(response, 'Planner', `<a href="${link.replaceAll('&', '&amp;')}">Sign in</a>`);
    else response.writeHead(204).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    linkTo(url) {
      link = url.href;
    },
    callbacks,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function sendPage(response: ServerResponse, title: string, body = ''): void {
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end(`<!doctype html><html lang="en"><title>${title}</title><main><h1>${title}</h1>${body}</main>`);
}
