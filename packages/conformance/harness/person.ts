import type { Departure, Page, UserAgent } from './user-agent.ts';

export interface Person {
  email: string;
  password: string;
}

/**
 * Opens an authorization request as a person would: signs in where asked, decides where asked, and answers where
 * the client was called back. A page that asks for neither is an error with its text.
 */
export async function authorize(
  agent: UserAgent,
  url: string | URL,
  person: Person,
  decision: 'allow' | 'deny' = 'allow',
): Promise<URL> {
  let at: Page | Departure = await agent.open(url);
  for (let step = 0; step < 4 && !('location' in at); step++) at = await answer(agent, at, person, decision);
  if ('location' in at) return at.location;
  throw new Error(`stuck at ${at.url}: ${textOf(at.html)}`);
}

function answer(agent: UserAgent, page: Page, person: Person, decision: string): Promise<Page | Departure> {
  const signIn = page.forms.find((form) => 'password' in form.fields);
  if (signIn) return agent.submit(page, signIn, { ...person });
  const consent = page.forms.find((form) => form.buttons.includes('decision'));
  if (consent) return agent.submit(page, consent, { decision });
  // Signing in as somebody else: a page that submits itself ends the first session.
  const [ending] = page.forms.filter(({ action }) => action.endsWith('/logout/confirm'));
  if (ending) return agent.submit(page, ending);
  throw new Error(`${page.status} at ${page.url}: ${textOf(page.html)}`);
}

/** What a person reads of a page. */
export function textOf(html: string): string {
  return html
    .replace(/<(script|style)\b.*?<\/\1>/gs, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
