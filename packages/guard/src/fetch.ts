import type { Admission } from './admission.ts';
import { METADATA_HEADERS, refusalHeaders } from './answers.ts';
import type { GuardError } from './errors.ts';
import { explainRefusal, type RefusedRequest } from './form-token.ts';
import type { Guard } from './guard.ts';
import type { RoutePolicy } from './policy.ts';
import type { Principal } from './principal.ts';
import type { GuardedRequest } from './request.ts';

/** What a Request does not say of its connection. */
export interface ConnectionInfo {
  /**
   * Address of the connection's peer, which may be a proxy. Without it nobody is on an allowlist, and no proxy is
   * trusted: behind one that ends TLS, every request is plain http.
   */
  remoteAddress?: string | undefined;
  /**
   * Whether the connection is TLS. Default: what the scheme of the request's URL says. Say it where that may come from
   * the client, who can send `GET https://…` over plain http.
   */
  encrypted?: boolean | undefined;
}

export type FetchHandler = (request: Request, principal: Principal) => Response | Promise<Response>;

export interface FetchGuard {
  /**
   * A handler that refuses the request, or calls `handler` with its `Principal` and puts the headers of limits on the
   * answer. What `handler` throws goes through untouched.
   */
  protect(
    policy: RoutePolicy,
    handler: FetchHandler,
  ): (request: Request, info?: ConnectionInfo) => Promise<Response>;
  /**
   * The answer to `GET /.well-known/oauth-protected-resource…` (RFC 9728 §3), which needs no credentials; undefined
   * for every other request.
   */
  metadata(request: Request): Response | undefined;
}

export interface FetchGuardOptions {
  /** Answers a refused request, or throws or rejects. Default: status, headers and JSON of RFC 6750. */
  onRefusal?: (request: Request, error: GuardError) => Response | Promise<Response>;
}

/** For Hono, Deno, Bun, workers that have Node's modules: whatever makes Responses of Requests. */
export function createFetchGuard(guard: Guard, { onRefusal = answer }: FetchGuardOptions = {}): FetchGuard {
  return {
    protect(policy, handler) {
      const admit = guard.protect(policy);
      return async function protect(request, info = {}) {
        let admission: Admission;
        try {
          admission = await admit(describe(request, info));
        } catch (error) {
          return onRefusal(request, await explainRefusal(error, guard, readRefused(request)));
        }
        return withHeaders(await handler(request, admission.principal), admission.headers);
      };
    },
    metadata(request) {
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      if (!isRead || new URL(request.url).pathname !== guard.metadataPath) return undefined;
      return Response.json(guard.metadata, { headers: METADATA_HEADERS });
    },
  };
}

function describe(request: Request, info: ConnectionInfo): GuardedRequest {
  const { headers } = request;
  // The whole of it is looked at for credentials: host and fragment stand in logs as well.
  const [path = '', ...query] = request.url.split('?');
  return {
    authorization: splitAuthorization(headers.get('authorization')),
    path,
    query: query.join('?'),
    remoteAddress: info.remoteAddress,
    encrypted: info.encrypted ?? request.url.startsWith('https:'),
    forwardedFor: headers.get('x-forwarded-for') ?? undefined,
    forwardedProto: headers.get('x-forwarded-proto') ?? undefined,
  };
}

function readRefused(request: Request): RefusedRequest {
  return {
    contentType: request.headers.get('content-type'),
    body: () => request.body?.values({ preventCancel: true }) ?? new ReadableStream().values(),
  };
}

/** A comma, then a scheme: another field's value begins. A list within one field goes on with `name=`. */
const NEXT_CREDENTIALS = /, *[!#$%&'*+.^_`|~\w-]+ +[^ ]/;

/**
 * Headers joins several fields by commas, which no bearer credentials contain. Two intermediaries that choose another
 * one of several are how a request is smuggled past one of them.
 */
function splitAuthorization(value: string | null): string | readonly string[] | undefined {
  if (value === null) return undefined;
  return NEXT_CREDENTIALS.test(value) ? value.split(',') : value;
}

/**
 * On a copy: the handler may answer with what it fetched, whose headers are immutable, or with one Response for
 * everybody. Errors and upgrades (status 0, 101) cannot be copied.
 */
function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  if (response.status < 200) return response;
  const copy = new Response(response.body, response);
  for (const [name, value] of Object.entries(headers)) copy.headers.set(name, value);
  return copy;
}

function answer(_: Request, error: GuardError): Response {
  return Response.json(error.toBody(), { status: error.status, headers: refusalHeaders(error) });
}
