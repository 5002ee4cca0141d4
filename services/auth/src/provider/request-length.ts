import { HttpError } from '@latchkey/service';
import type Koa from 'koa';

/** Many times what an honest request needs; `state` and `nonce` are kept until the person has signed in or out. */
const MAX_QUERY_LENGTH = 4096;

/** Anybody may begin to sign in or out, and each is kept for minutes: what one can make us keep is bounded. */
export function limitQuery(paths: readonly string[]): Koa.Middleware {
  return function limited(ctx, next) {
    if (paths.includes(ctx.path) && ctx.querystring.length > MAX_QUERY_LENGTH) {
      throw new HttpError('invalid_request', {
        description: `The query may have at most ${MAX_QUERY_LENGTH} characters`,
      });
    }
    return next();
  };
}
