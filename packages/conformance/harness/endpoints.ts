/** A client as a request names it; without a secret it is public. */
export interface RequestingClient {
  client_id: string;
  client_secret?: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The JSON object answered; empty where there was none. */
  body: Record<string, unknown>;
}

export type Form = Record<string, string | undefined>;

/** Sends a form; fields that are undefined are left out. */
export async function postForm(
  url: string,
  form: Form | URLSearchParams,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = form instanceof URLSearchParams ? form : new URLSearchParams(present(form));
  return readAnswer(await fetch(url, { method: 'POST', headers, body, redirect: 'manual' }));
}

export async function readAnswer(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const text = await response.text();
  const isJson = /^application\/(\w+\+)?json\b/.test(headers.get('content-type') ?? '');
  return { status, headers, text, body: isJson ? JSON.parse(text) : {} };
}

export function present(form: Form): Record<string, string> {
  const entries = Object.entries(form).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(entries);
}

/** RFC 6749 §2.3.1. The ids and secrets of the seed need no form encoding. */
export function basic({ client_id, client_secret = '' }: RequestingClient): Record<string, string> {
  return { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` };
}

/** Posts as the client: with HTTP Basic where it has a secret, else with its id alone. */
export function postAs(client: RequestingClient, url: string, form: Form): Promise<Answer> {
  return client.client_secret === undefined
    ? postForm(url, { client_id: client.client_id, ...form })
    : postForm(url, form, basic(client));
}
