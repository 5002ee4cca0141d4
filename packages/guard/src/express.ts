import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admission } from './admission.ts';
import { METADATA_HEADERS, refusalHeaders } from './answers.ts';
import type { GuardError } from './errors.ts';
import { explainNodeRefusal } from './form-token.ts';
import type { Guard } from './guard.ts';
import { readNodeRequest } from './node-request.ts';
import type { RoutePolicy } from './policy.ts';
import type { Principal } from './principal.ts';

/** The part of Express' request that is used: guard depends on no framework, not even for types. */
export interface ExpressRequest extends IncomingMessage {
  /** Path and query as sent: `url` lacks what a router was mounted at. */
  readonly originalUrl: string;
  principal?: Principal;
}

export type ExpressHandler = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

export interface ExpressGuard {
  /**
   * Refuses the request, or puts its `Principal` into `req.principal` and the headers of limits on the answer. Stands
   * before body parsers, so that strangers' bodies are not parsed. For TypeScript, in a module of yours:
   * `declare global { namespace Express { interface Request { principal: Principal } } }`
   */
  protect(policy?: RoutePolicy): ExpressHandler;
  /** Answers `GET /.well-known/oauth-protected-resource…` (RFC 9728 §3), which needs no credentials: `app.use(metadata)`. */
  metadata: ExpressHandler;
}

export interface ExpressGuardOptions {
  /** Answers a refused request, or throws or rejects, for Express' error handlers. Default: status, headers and JSON of RFC 6750. */
  onRefusal?: (request: ExpressRequest, response: ServerResponse, error: GuardError) => void | Promise<void>;
}

export function createExpressGuard(
  guard: Guard,
  { onRefusal = answer }: ExpressGuardOptions = {},
): ExpressGuard {
  async function refuse(request: ExpressRequest, response: ServerResponse, error: unknown): Promise<void> {
    const refusal = await explainNodeRefusal(error, guard, request);
    if (!response.headersSent) await onRefusal(request, response, refusal);
  }
  return {
    protect(policy) {
      const admit = guard.protect(policy);
      return function protect(request, response, next) {
        const enter = ({ principal, headers }: Admission) => {
          // Somebody answered meanwhile, a timeout for instance: the request is over.
          if (response.headersSent) return;
          setHeaders(response, headers);
          request.principal = principal;
          next();
        };
        const turnAway = (error: unknown) => void refuse(request, response, error).catch(next);
        let admission: Admission | Promise<Admission>;
        try {
          admission = admit(readNodeRequest(request, request.originalUrl));
        } catch (error) {
          return turnAway(error);
        }
        if (admission instanceof Promise) void admission.then(enter, turnAway);
        else enter(admission);
      };
    },
    metadata: function metadata(request, response, next) {
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      if (!isRead || request.originalUrl.split('?', 1)[0] !== guard.metadataPath) return next();
      sendJson(response, 200, METADATA_HEADERS, guard.metadata);
    },
  };
}

function answer(_: ExpressRequest, response: ServerResponse, error: GuardError): void {
  sendJson(response, error.status, refusalHeaders(error), error.toBody());
}

function sendJson(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): void {
  response.statusCode = status;
  setHeaders(response, headers);
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.end(JSON.stringify(body));
}

function setHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}
