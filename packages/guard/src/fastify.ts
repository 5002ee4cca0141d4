import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admission } from './admission.ts';
import { METADATA_HEADERS, refusalHeaders } from './answers.ts';
import type { GuardError } from './errors.ts';
import { explainNodeRefusal } from './form-token.ts';
import type { Guard } from './guard.ts';
import { readNodeRequest } from './node-request.ts';
import type { RoutePolicy } from './policy.ts';
import type { Principal } from './principal.ts';

/** The parts of Fastify's request and reply that are used: guard depends on no framework, not even for types. */
export interface FastifyRequest {
  readonly raw: IncomingMessage;
  /** Path and query as sent, whatever `rewriteUrl` made of them. */
  readonly originalUrl: string;
  principal?: Principal;
}

export interface FastifyReply {
  readonly raw: ServerResponse;
  readonly sent: boolean;
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(body: unknown): unknown;
}

export type FastifyHook = (
  request: FastifyRequest,
  reply: FastifyReply,
  done: (error?: Error) => void,
) => void;

export interface FastifyGuard {
  /**
   * A hook for `onRequest` (best: strangers' bodies are not parsed) or `preHandler`, of one route or of all. Refuses
   * the request, or puts its `Principal` into `request.principal` and the headers of limits on the answer.
   *
   * Works without a decorator; `app.decorateRequest('principal')` once, before the routes, keeps all requests of one
   * shape, which is faster. For TypeScript, in a module of yours:
   * `declare module 'fastify' { interface FastifyRequest { principal: Principal } }`
   */
  protect(policy?: RoutePolicy): FastifyHook;
  /** `GET /.well-known/oauth-protected-resource…` (RFC 9728 §3), which needs no credentials: `app.route(metadata)`. */
  metadata: {
    method: 'GET';
    url: string;
    handler: (request: FastifyRequest, reply: FastifyReply) => void;
  };
}

export interface FastifyGuardOptions {
  /** Answers a refused request, or throws or rejects, for the error handler. Default: status, headers and JSON of RFC 6750. */
  onRefusal?: (request: FastifyRequest, reply: FastifyReply, error: GuardError) => void | Promise<void>;
}

export function createFastifyGuard(
  guard: Guard,
  { onRefusal = answer }: FastifyGuardOptions = {},
): FastifyGuard {
  async function refuse(request: FastifyRequest, reply: FastifyReply, error: unknown): Promise<void> {
    const refusal = await explainNodeRefusal(error, guard, request.raw);
    // Somebody answered meanwhile, a timeout for instance. Where the guard admits, Fastify itself goes no further then.
    if (!reply.sent && !reply.raw.headersSent) await onRefusal(request, reply, refusal);
  }
  return {
    protect(policy) {
      const admit = guard.protect(policy);
      return function protect(request, reply, done) {
        const enter = ({ principal, headers }: Admission) => {
          reply.headers(headers);
          request.principal = principal;
          done();
        };
        const turnAway = (error: unknown) => void refuse(request, reply, error).catch(done);
        let admission: Admission | Promise<Admission>;
        try {
          admission = admit(readNodeRequest(request.raw, request.originalUrl));
        } catch (error) {
          return turnAway(error);
        }
        if (admission instanceof Promise) void admission.then(enter, turnAway);
        else enter(admission);
      };
    },
    metadata: {
      method: 'GET',
      // A colon begins a parameter unless it is doubled.
      url: guard.metadataPath.replaceAll(':', '::'),
      handler(_, reply) {
        reply.headers(METADATA_HEADERS);
        reply.send(guard.metadata);
      },
    },
  };
}

function answer(_: FastifyRequest, reply: FastifyReply, error: GuardError): void {
  reply.code(error.status);
  reply.headers(refusalHeaders(error));
  reply.send(error.toBody());
}
