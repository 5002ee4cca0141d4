import { HttpError, readJson } from '@latchkey/service';
import type Koa from 'koa';
import { z } from 'zod';
import { MAX_BODY_BYTES, replaceBody } from './request-body.ts';

const parameters = z.record(z.string(), z.string());

/**
 * JSON bodies at the token endpoint, which published client code sends. RFC 6749 §4.1.3 knows forms alone; a body
 * becomes the form with the same parameters, and everything after this is the library's.
 */
export function acceptJsonBody(path: string): Koa.Middleware {
  return async function jsonBody(ctx, next) {
    if (ctx.method === 'POST' && ctx.path === path && ctx.is('application/json')) {
      const body = parameters.safeParse(await readJson(ctx.req, MAX_BODY_BYTES));
      if (!body.success) {
        throw new HttpError('invalid_request', {
          description: 'The JSON body must be an object whose values are strings',
          headers: { Pragma: 'no-cache' },
        });
      }
      replaceBody(ctx.req, new URLSearchParams(body.data).toString());
    }
    await next();
  };
}
