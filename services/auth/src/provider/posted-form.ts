import { type ParsedUrlQuery, parse } from 'node:querystring';
import { HttpError, parseJson, readBody } from '@latchkey/service';
import type Koa from 'koa';
import { z } from 'zod';
import { MAX_BODY_BYTES, replaceBody } from './request-body.ts';
import { ROUTES } from './routes.ts';

declare module 'koa' {
  interface DefaultState {
    /** The form that a program posted to one of our endpoints. */
    posted?: PostedForm;
  }
}

export interface PostedForm {
  text: string;
  /** A parameter that was given twice is an array. */
  parameters: ParsedUrlQuery;
}

const PATHS: readonly string[] = [ROUTES.token, ROUTES.introspection, ROUTES.revocation];
const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;
const jsonParameters = z.record(z.string(), z.string());

/**
 * Reads the form of a request at the endpoints of RFC 6749 §3.2, 7662 and 7009: once, for everything before the library
 * and for the library itself (`handOverForm`). At the token endpoint a JSON body stands for the form with the same
 * parameters, since published client code sends it so. Another type is left unread: the library refuses it.
 */
export function readPostedForm(): Koa.Middleware {
  return async function postedForm(ctx, next) {
    if (ctx.method !== 'POST' || !PATHS.includes(ctx.path)) return next();
    const { 'content-type': type = '' } = ctx.headers;
    const isJson = ctx.path === ROUTES.token && JSON_TYPE.test(type);
    if (isJson || FORM.test(type)) {
      const body = await readBody(ctx.req, MAX_BODY_BYTES);
      const text = isJson ? toForm(body) : body;
      ctx.state.posted = { text, parameters: parse(text) };
    }
    return next();
  };
}

function toForm(body: string): string {
  const headers = { Pragma: 'no-cache' };
  const parameters = jsonParameters.safeParse(parseJson(body, { headers }));
  if (parameters.success) return new URLSearchParams(parameters.data).toString();
  const description = 'The JSON body must be an object whose values are strings';
  throw new HttpError('invalid_request', { description, headers });
}

/** Gives the library the form that was read, as if it had just arrived. */
export function handOverForm(): Koa.Middleware {
  return function handedOver(ctx, next) {
    if (ctx.state.posted) replaceBody(ctx.req, ctx.state.posted.text);
    return next();
  };
}
