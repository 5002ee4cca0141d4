import { type CookieJar, createCookieJar } from './cookie-jar.ts';

/** A form of a page: where it goes and what it would send. */
export interface Form {
  action: string;
  fields: Record<string, string>;
  /** Names of the buttons that send it. */
  buttons: string[];
}

export interface Page {
  url: URL;
  status: number;
  html: string;
  forms: Form[];
}

/** Where a redirect leads that leaves the server: the client's callback. */
export interface Departure {
  location: URL;
}

/** A browser without a screen: cookies, redirects, forms. JavaScript is off. */
export interface UserAgent {
  jar: CookieJar;
  /** Follows redirects within the server; stops at a page or at the redirect that leaves it. */
  open(url: string | URL): Promise<Page | Departure>;
  submit(page: Page, form: Form, fields?: Record<string, string>): Promise<Page | Departure>;
}

const MAX_HOPS = 12;

export function createUserAgent(serverOrigin: string): UserAgent {
  const jar = createCookieJar();

  async function request(url: URL, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers({ accept: 'text/html', ...(init.headers as Record<string, string>) });
    const cookies = jar.header(url);
    if (cookies) headers.set('cookie', cookies);
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    jar.store(url, response);
    return response;
  }

  async function follow(url: URL, first: Response): Promise<Page | Departure> {
    let response = first;
    let at = url;
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      const location = response.headers.get('location');
      if (!location) return readPage(at, response);
      await response.arrayBuffer();
      const next = new URL(location, at);
      if (next.origin !== serverOrigin) return { location: next };
      at = next;
      response = await request(at);
    }
    throw new Error(`more than ${MAX_HOPS} redirects from ${url}`);
  }

  return {
    jar,
    async open(url) {
      const start = new URL(url);
      return follow(start, await request(start));
    },
    async submit(page, form, fields = {}) {
      const action = new URL(form.action, page.url);
      const response = await request(action, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: serverOrigin },
        body: new URLSearchParams({ ...form.fields, ...fields }).toString(),
      });
      return follow(action, response);
    },
  };
}

async function readPage(url: URL, response: Response): Promise<Page> {
  const html = await response.text();
  return { url, status: response.status, html, forms: parseForms(html) };
}

/** The POST forms of a page with their preset fields. */
export function parseForms(html: string): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)]
    .filter(([, attributes = '']) => /method="post"/i.test(attributes))
    .map(([, attributes = '', body = '']) => ({
      action: decodeEntities(attribute(attributes, 'action') ?? ''),
      fields: Object.fromEntries(
        [...body.matchAll(/<input\b([^>]*)>/gs)].flatMap(([, input = '']) => {
          const name = attribute(input, 'name');
          const unchecked = /type="(radio|checkbox)"/.test(input) && !/\bchecked\b/.test(input);
          return name && !unchecked ? [[name, decodeEntities(attribute(input, 'value') ?? '')]] : [];
        }),
      ),
      buttons: [...body.matchAll(/<button\b([^>]*)>/gs)].flatMap(
        ([, button = '']) => attribute(button, 'name') ?? [],
      ),
    }));
}

function attribute(text: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1];
}

function decodeEntities(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
