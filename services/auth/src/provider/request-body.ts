import type Koa from 'koa';

/** As the library's own limit on forms. */
export const MAX_BODY_BYTES = 56 * 1024;

/** The request as if it had been sent as this form. The stream itself has been read to its end. */
export function replaceBody(request: Koa.Request['req'], form: string): void {
  const bytes = Buffer.from(form);
  request.headers['content-type'] = 'application/x-www-form-urlencoded';
  request.headers['content-length'] = String(bytes.length);
  delete request.headers['transfer-encoding'];
  Object.defineProperty(request, 'readable', { value: true });
  Object.defineProperty(request, 'iterator', {
    value: async function* iterate() {
      yield bytes;
    },
  });
}
