/** A service of somebody else's, without framework and without TypeScript. */
import { createServer } from 'node:http';
import { createGuard, GuardError, readNodeRequest } from '@latchkey/guard';

const { ISSUER, AUDIENCE, PORT } = process.env;
const check = createGuard({ issuer: ISSUER, audience: AUDIENCE }).protect({ scope: 'orders:read' });

createServer(async (request, response) => {
  try {
    const { principal, headers } = await check(readNodeRequest(request));
    response.writeHead(200, headers).end(JSON.stringify({ organization: principal.organizationId }));
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    response.writeHead(error.status, error.headers).end(JSON.stringify(error.toBody()));
  }
}).listen(Number(PORT), '127.0.0.1');
