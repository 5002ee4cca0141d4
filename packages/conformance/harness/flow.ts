import { deriveCodeChallenge, newCodeVerifier } from '@latchkey/protocol';
import type { Deployment } from './deployment.ts';
import { type Answer, type Form, postAs, present, type RequestingClient } from './endpoints.ts';
import { authorize, type Person } from './person.ts';
import { CALLBACK } from './seed.ts';
import { createUserAgent, type UserAgent } from './user-agent.ts';

/** What a flow needs of a deployment, in this process or in others. */
export type Reachable = Pick<Deployment, 'issuer' | 'clients' | 'people'>;

/** What a test changes of an ordinary flow. */
export interface FlowOptions {
  client?: RequestingClient;
  person?: Person;
  /** A browser that may be signed in already. */
  agent?: UserAgent;
  /** Of the authorization request; undefined leaves the parameter out. */
  parameters?: Form;
  decision?: 'allow' | 'deny';
}

export interface AuthorizationRequest {
  url: URL;
  verifier: string;
}

export interface Code {
  callback: URL;
  code: string;
  verifier: string;
}

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  idToken: string;
  answer: Answer;
}

/** An authorization request with PKCE (RFC 6749 §4.1.1, RFC 7636 §4.3); asks for one scope unless told. */
export function requestAuthorization(
  { issuer, clients }: Reachable,
  { client = clients.web, parameters = {} }: FlowOptions = {},
): AuthorizationRequest {
  const verifier = newCodeVerifier();
  const url = new URL('/oauth/authorize', issuer);
  const form = {
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: CALLBACK,
    scope: 'work-orders:read',
    state: 'the-state',
    code_challenge: deriveCodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...parameters,
  };
  url.search = new URLSearchParams(present(form)).toString();
  return { url, verifier };
}

/** Where the client is called back, whatever the answer is. */
export async function callBack(deployment: Reachable, options: FlowOptions = {}): Promise<URL> {
  return (await runAuthorization(deployment, options)).callback;
}

async function runAuthorization(deployment: Reachable, options: FlowOptions): Promise<Omit<Code, 'code'>> {
  const { agent = createUserAgent(deployment.issuer), person = deployment.people.owner } = options;
  const { url, verifier } = requestAuthorization(deployment, options);
  return { callback: await authorize(agent, url, person, options.decision), verifier };
}

export async function obtainCode(deployment: Reachable, options: FlowOptions = {}): Promise<Code> {
  const { callback, verifier } = await runAuthorization(deployment, options);
  const code = callback.searchParams.get('code');
  if (code === null) throw new Error(`no code: ${callback}`);
  return { callback, code, verifier };
}

/** The token request for a code (RFC 6749 §4.1.3); `changes` of undefined leave a parameter out. */
export function redeem(
  { issuer, clients }: Pick<Deployment, 'issuer' | 'clients'>,
  { code, verifier }: Pick<Code, 'code' | 'verifier'>,
  { client = clients.web, changes = {} }: { client?: RequestingClient; changes?: Form } = {},
): Promise<Answer> {
  return postAs(client, `${issuer}/oauth/token`, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: CALLBACK,
    code_verifier: verifier,
    ...changes,
  });
}

/** The whole way to the first tokens. */
export async function obtainTokens(deployment: Reachable, options: FlowOptions = {}): Promise<Tokens> {
  const answer = await redeem(deployment, await obtainCode(deployment, options), options);
  if (answer.status !== 200) throw new Error(`no tokens: ${answer.status} ${answer.text}`);
  return tokensOf(answer);
}

export function tokensOf(answer: Answer): Tokens {
  const text = (name: string) => String(answer.body[name] ?? '');
  return {
    accessToken: text('access_token'),
    refreshToken: text('refresh_token'),
    idToken: text('id_token'),
    answer,
  };
}

export function refresh(
  { issuer, clients }: Pick<Deployment, 'issuer' | 'clients'>,
  refreshToken: string,
  { client = clients.web, changes = {} }: { client?: RequestingClient; changes?: Form } = {},
): Promise<Answer> {
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, ...changes };
  return postAs(client, `${issuer}/oauth/token`, form);
}

export function introspect(
  { issuer, clients }: Reachable,
  token: string,
  client: RequestingClient = clients.resourceServer,
): Promise<Answer> {
  return postAs(client, `${issuer}/oauth/introspect`, { token });
}

export function revoke(
  { issuer, clients }: Reachable,
  token: string,
  client: RequestingClient = clients.web,
  changes: Form = {},
): Promise<Answer> {
  return postAs(client, `${issuer}/oauth/revoke`, { token, ...changes });
}

/** A token without a person (RFC 6749 §4.4). */
export async function obtainClientToken(
  { issuer, clients }: Reachable,
  changes: Form = {},
  client: RequestingClient = clients.machine,
): Promise<string> {
  const form = { grant_type: 'client_credentials', scope: 'work-orders:read', ...changes };
  const answer = await postAs(client, `${issuer}/oauth/token`, form);
  if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${answer.text}`);
  return tokensOf(answer).accessToken;
}
