import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import Koa from 'koa';
import { expect, test, vi } from 'vitest';
import {
  createHealth,
  createLogger,
  createMetrics,
  createTrustedProxies,
  installShell,
  listen,
  readBody,
} from '../src/index.ts';

async function listenWith(answer: Koa.Middleware) {
  const lines: Record<string, unknown>[] = [];
  const app = new Koa();
  installShell(app, {
    logger: createLogger(
      { service: 'test', level: 'debug' },
      { write: (line) => void lines.push(JSON.parse(line)) },
    ),
    metrics: createMetrics('test'),
    health: createHealth({}),
    trustedProxies: createTrustedProxies([]),
    renderErrorPage: () => {
      throw new Error('a template is broken');
    },
  });
  app.use(answer);
  return { lines, ...(await listen(app.callback(), { host: '127.0.0.1', port: 0 })) };
}

test('a caller that goes away in the middle of its request writes nothing but log lines', async () => {
  const { port, lines, close } = await listenWith(async (ctx) => {
    ctx.body = await readBody(ctx.req, 1000);
  });
  const written = vi.spyOn(console, 'error');
  try {
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc');
    await once(socket, 'connect');
    socket.end();
    await vi.waitFor(() =>
      expect(lines).toContainEqual(expect.objectContaining({ level: 'debug', msg: 'connection broken' })),
    );
    expect(written).not.toHaveBeenCalled();
  } finally {
    written.mockRestore();
    await close(0);
  }
});

test('a caller that is gone before its body is asked for leaves no request waiting', async () => {
  const { port, lines, close } = await listenWith(async (ctx) => {
    await new Promise((resolve) => ctx.req.socket.once('close', resolve));
    // After whatever the end of the connection makes the request tell.
    await setImmediate();
    ctx.body = await readBody(ctx.req, 1000);
  });
  try {
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc');
    await once(socket, 'connect');
    socket.end();
    await vi.waitFor(() =>
      expect(lines).toContainEqual(expect.objectContaining({ msg: 'request', status: 400 })),
    );
  } finally {
    await close(0);
  }
});

test('a fault in the answer to a fault is an error of the log', async () => {
  const { port, lines, close } = await listenWith(() => {
    throw new Error('the first fault');
  });
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('template');
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        err: expect.objectContaining({ message: 'a template is broken' }),
      }),
    );
  } finally {
    await close(0);
  }
});
