/** Messages behind Express: the issuer is asked about access tokens and API keys (RFC 7662). */
import { createExpressGuard, createGuard, createIntrospection, type Principal } from '@latchkey/guard';
import express from 'express';

declare global {
  namespace Express {
    interface Request {
      principal: Principal;
    }
  }
}

const { ISSUER = 'http://127.0.0.1:3000', AUDIENCE = 'http://localhost:3100', PORT = '3100' } = process.env;
const { CLIENT_ID: clientId = '', CLIENT_SECRET: clientSecret = '' } = process.env;
const endpoint = `${ISSUER}/oauth/introspect`;
const onFailure = (error: Error) => process.stderr.write(`${error.message}\n`);
const guard = createGuard({
  issuer: ISSUER,
  audience: AUDIENCE,
  tokens: 'introspection',
  introspection: createIntrospection({ endpoint, clientId, clientSecret, onFailure }),
  metadata: { scopesSupported: ['send:messages'] },
});
const { protect, metadata } = createExpressGuard(guard);

const app = express().use(metadata);
app.post('/v1/messages', protect({ scope: 'send:messages' }), express.json(), (req, res) => {
  res.status(201).json({ ...req.body, id: crypto.randomUUID(), from: req.principal.organizationId });
});
app.listen(Number(PORT));
