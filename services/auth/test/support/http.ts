import { deriveCodeChallenge, newCodeVerifier } from '@latchkey/protocol';
import type { RegisteredClient } from './records.ts';
import { PASSWORD, REDIRECT_URI } from './records.ts';

export interface TokenAnswer {
  status: number;
  headers: Headers;
  body: Record<string, unknown> & { access_token?: string; refresh_token?: string; id_token?: string };
}

export function basic({ id, secret }: RegisteredClient): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}

export async function postForm(
  url: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<TokenAnswer> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form), headers });
  return readAnswer(response);
}

export async function readAnswer(response: Response): Promise<TokenAnswer> {
  const text = await response.text();
  const body = text.startsWith('{') ? JSON.parse(text) : {};
  return { status: response.status, headers: response.headers, body };
}

/** A browser that keeps cookies by path and follows redirects until they leave the issuer. */
export function createBrowser(issuer: string) {
  const cookies = new Map<string, { value: string; path: string }>();
  const send = async (url: URL, form?: Record<string, string>): Promise<Response> => {
    const sent = [...cookies].filter(([, { path }]) => url.pathname.startsWith(path));
    const response = await fetch(url, {
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        cookie: sent.map(([name, { value }]) => `${name}=${value}`).join('; '),
      },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) keep(line);
    return response;
  };
  const keep = (line: string) => {
    const [pair = '', ...attributes] = line.split('; ');
    const name = pair.slice(0, pair.indexOf('='));
    const value = pair.slice(pair.indexOf('=') + 1);
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/';
    if (value === '') cookies.delete(name);
    else cookies.set(name, { value, path });
  };
  /** Follows redirects within the issuer; answers the last response and where it was. */
  const open = async (url: string | URL, form?: Record<string, string>) => {
    let at = new URL(url, issuer);
    let response = await send(at, form);
    while (response.headers.has('location')) {
      at = new URL(response.headers.get('location') ?? '', at);
      if (at.origin !== issuer) break;
      await response.body?.cancel();
      response = await send(at);
    }
    return { response, at };
  };
  return { open, cookies };
}

export interface AuthorizationRequest {
  client: RegisteredClient;
  email: string;
  scope?: string;
  pkce?: boolean;
  browser?: ReturnType<typeof createBrowser>;
  parameters?: Record<string, string>;
}

/** Goes through sign-in and consent as a person would; answers the redirect's parameters. */
export async function authorize(issuer: string, request: AuthorizationRequest) {
  const { client, email, scope, pkce = true, browser = createBrowser(issuer) } = request;
  const verifier = newCodeVerifier();
  const parameters = {
    client_id: client.id,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    ...(scope !== undefined && { scope }),
    ...(pkce && { code_challenge: deriveCodeChallenge(verifier), code_challenge_method: 'S256' }),
    ...request.parameters,
  };
  let { at, response } = await browser.open(`${issuer}/oauth/authorize?${new URLSearchParams(parameters)}`);
  for (let step = 0; step < 3 && at.pathname.startsWith('/interaction/'); step++) {
    const path = at.pathname.split('/').slice(0, 3).join('/');
    const isConsent = (await response.text()).includes('decision');
    ({ at, response } = isConsent
      ? await browser.open(`${path}/consent`, { decision: 'allow' })
      : await browser.open(`${path}/sign-in`, { email, password: PASSWORD }));
  }
  return {
    at,
    response,
    browser,
    verifier,
    answer: at.searchParams,
    code: at.searchParams.get('code') ?? '',
  };
}

/** The whole way to the first tokens. */
export async function signIn(issuer: string, request: AuthorizationRequest): Promise<TokenAnswer> {
  const { code, verifier } = await authorize(issuer, request);
  return redeem(issuer, request.client, { code, verifier });
}

export function redeem(
  issuer: string,
  client: RegisteredClient,
  { code, verifier }: { code: string; verifier: string },
): Promise<TokenAnswer> {
  const form = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: REDIRECT_URI,
    code_verifier: verifier,
  };
  return postForm(`${issuer}/oauth/token`, form, basic(client));
}

export function refresh(issuer: string, client: RegisteredClient, token: string): Promise<TokenAnswer> {
  return postForm(
    `${issuer}/oauth/token`,
    { grant_type: 'refresh_token', refresh_token: token },
    basic(client),
  );
}
