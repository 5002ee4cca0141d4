/** Orders as a function from Request and peer's address to Response, which node:http is served with by `serve`. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createFetchGuard, createGuard } from '@latchkey/guard';

const { ISSUER = 'http://127.0.0.1:3000', AUDIENCE = 'http://localhost:3100', PORT = '3100' } = process.env;
const guard = createGuard({
  issuer: ISSUER,
  audience: AUDIENCE,
  onKeysFailure: (error) => process.stderr.write(`${error}\n`),
  metadata: { scopesSupported: ['orders:read'] },
});
const { protect, metadata } = createFetchGuard(guard);
const readOrders = protect({ scope: 'orders:read' }, (_request, { organizationId, environment }) =>
  Response.json({ orders: [{ id: 'order_1', organization: organizationId, environment }] }),
);

async function serve(incoming: IncomingMessage, answer: ServerResponse) {
  const { method = 'GET', url = '/', headersDistinct, socket } = incoming;
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct)) headers.set(name, values.join(', '));
  const request = new Request(new URL(url, 'http://localhost'), { method, headers });
  const connection = { remoteAddress: socket.remoteAddress, encrypted: false }; // whatever scheme the client wrote
  const response = metadata(request) ?? (await readOrders(request, connection));
  answer.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
}

// Of some requests that Node takes, TRACE for instance, no Request can be made.
createServer(
  (request, answer) => void serve(request, answer).catch(() => answer.writeHead(400).end()),
).listen(PORT);
