import { request } from 'node:http';

export interface RawAnswer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  text: string;
}

/** A request with every header as given, `Host` too, which fetch does not let a caller choose; a POST with a form. */
export function sendRaw(
  url: URL,
  headers: Record<string, string>,
  form?: Record<string, string>,
): Promise<RawAnswer> {
  const posted = form && { 'content-type': 'application/x-www-form-urlencoded' };
  const method = form ? 'POST' : 'GET';
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { ...headers, ...posted }, setHost: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(form && new URLSearchParams(form).toString());
  });
}
