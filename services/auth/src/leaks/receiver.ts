import { type KeyObject, verify } from 'node:crypto';
import { HttpError, type Logger, readBody } from '@latchkey/service';
import type Koa from 'koa';
import type { PresentedApiKeys } from '../api-keys/api-keys.ts';
import type { OperatorFor } from '../operator.ts';
import { OWN_ROUTES } from '../provider/routes.ts';
import { handleReport, parseReport } from './report.ts';
import type { ReporterKeys } from './reporter-keys.ts';

/** Hundreds of matches, each with its address. */
const MAX_REPORT_BYTES = 1024 * 1024;

/** Who the audit log says it was. */
const REPORTER = 'secret-scanning';

/**
 * Takes reports of keys that were found where they do not belong, in the form of GitHub's secret scanning partner
 * programme. Anybody can reach this, so nothing of a report is looked at before its signature is: not even its JSON.
 */
export function receiveLeakedKeys(deps: {
  reporterKeys: ReporterKeys;
  apiKeys: PresentedApiKeys;
  operatorFor: OperatorFor;
  logger: Logger;
}): Koa.Middleware {
  const { reporterKeys, apiKeys, operatorFor, logger } = deps;
  return async function leakedKeys(ctx, next) {
    if (ctx.path !== OWN_ROUTES.leakedKeys) return next();
    ctx.state.route = OWN_ROUTES.leakedKeys;
    if (ctx.method !== 'POST') throw new HttpError('method_not_allowed', { headers: { Allow: 'POST' } });
    const key = await findSigner(ctx, reporterKeys);
    const body = await readBody(ctx.req, MAX_REPORT_BYTES);
    if (!isSigned(body, ctx.get('Github-Public-Key-Signature'), key))
      throw notSigned('the signature does not match');
    const { ip, state } = ctx;
    const operator = operatorFor({ name: REPORTER }, { ip, requestId: state.requestId });
    const matches = parseReport(body, (err) => {
      logger.warn({ err, request_id: state.requestId }, 'entries of a leak report cannot be read');
    });
    const feedback = await handleReport(matches, { apiKeys, operator });
    ctx.set('Cache-Control', 'no-store');
    ctx.body = feedback;
  };
}

/** Before the body is read: without a known key it is of no use, however long it is. */
async function findSigner(ctx: Koa.Context, reporterKeys: ReporterKeys): Promise<KeyObject> {
  const identifier = ctx.get('Github-Public-Key-Identifier');
  if (identifier === '' || ctx.get('Github-Public-Key-Signature') === '') throw notSigned('no signature');
  const key = await reporterKeys.find(identifier);
  if (!key) throw notSigned('unknown key');
  return key;
}

/**
 * ECDSA over P-256 with SHA-256, in DER. Over the bytes of the body: `readBody` refuses what is not UTF-8, so encoding
 * it again gives them back (but for a byte order mark, with which no signature matches).
 */
function isSigned(body: string, signature: string, key: KeyObject): boolean {
  return verify('sha256', Buffer.from(body), key, Buffer.from(signature, 'base64'));
}

function notSigned(reason: string): HttpError {
  return new HttpError('forbidden', {
    description: 'The report must be signed with a key of the reporter',
    cause: new Error(reason),
  });
}
