import { describe, expect, test } from 'vitest';
import { registerClient } from '../harness/clients.ts';
import { obtainTokens, refresh, requestAuthorization, type Tokens } from '../harness/flow.ts';
import { CALLBACK } from '../harness/seed.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent, type Departure, type Page, type UserAgent } from '../harness/user-agent.ts';

const BYE = 'https://app.example.com/bye';
const client = { client_id: 'client_bye', client_secret: 'client_bye-secret-0123456789abcdef' };
const deployment = useDeployment({}, (ready) =>
  registerClient(ready, client.client_id, {
    application_type: 'web',
    redirect_uris: [CALLBACK],
    post_logout_redirect_uris: [BYE],
  }),
);

async function signedIn(): Promise<{ agent: UserAgent; tokens: Tokens }> {
  const agent = createUserAgent(deployment.issuer);
  const parameters = { scope: 'openid work-orders:read' };
  return { agent, tokens: await obtainTokens(deployment, { agent, client, parameters }) };
}

function endSession(agent: UserAgent, parameters: Record<string, string>): Promise<Page | Departure> {
  return agent.open(`${deployment.issuer}/oauth/logout?${new URLSearchParams(parameters)}`);
}

async function answer(agent: UserAgent, at: Page | Departure, button: 'sign out' | 'stay') {
  if ('location' in at) throw new Error(`sent away without being asked: ${at.location}`);
  const form = at.forms.find(({ fields }) => 'logout' in fields === (button === 'sign out'));
  if (!form) throw new Error(`no form: ${at.html}`);
  return agent.submit(at, form);
}

async function isSignedIn(agent: UserAgent): Promise<boolean> {
  const { url } = requestAuthorization(deployment, {
    client,
    parameters: { scope: 'openid', prompt: 'none' },
  });
  const at = await agent.open(url);
  return 'location' in at && at.location.searchParams.has('code');
}

describe('OpenID Connect RP-Initiated Logout', () => {
  test('§2 asks the person, ends the session, and returns to the registered address with state', async () => {
    const { agent, tokens } = await signedIn();
    expect(await isSignedIn(agent)).toBe(true);
    const page = await endSession(agent, {
      id_token_hint: tokens.idToken,
      post_logout_redirect_uri: BYE,
      state: 'bye & <see> you',
    });
    expect(await isSignedIn(agent)).toBe(true);
    const left = await answer(agent, page, 'sign out');
    expect('location' in left && left.location.href).toBe(
      `${BYE}?${new URLSearchParams({ state: 'bye & <see> you' })}`,
    );
    expect(await isSignedIn(agent)).toBe(false);
  });

  test('§2 MUST support POST', async () => {
    const { agent, tokens } = await signedIn();
    const response = await fetch(`${deployment.issuer}/oauth/logout`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ id_token_hint: tokens.idToken, post_logout_redirect_uri: BYE }),
    });
    const page = await agent.open(new URL(response.headers.get('location') ?? '', deployment.issuer));
    const left = await answer(agent, page, 'sign out');
    expect('location' in left && left.location.href).toBe(BYE);
  });

  test('§2 who stays is still signed in', async () => {
    const { agent } = await signedIn();
    await answer(agent, await endSession(agent, {}), 'stay');
    expect(await isSignedIn(agent)).toBe(true);
  });

  test('§2 without an address to return to a page says it is done', async () => {
    const { agent } = await signedIn();
    const page = await answer(agent, await endSession(agent, {}), 'sign out');
    expect('status' in page && page.status).toBe(200);
    expect(await isSignedIn(agent)).toBe(false);
  });

  test.each([
    ['another host', 'https://attacker.example/bye'],
    ['a path suffix', `${BYE}/more`],
    ['a trailing slash', `${BYE}/`],
    ['an added query', `${BYE}?next=https://attacker.example`],
    ['a fragment', `${BYE}#x`],
    ['http for https', 'http://app.example.com/bye'],
    ['a subdomain', 'https://x.app.example.com/bye'],
    ['user information', 'https://app.example.com@attacker.example/bye'],
    ['a redirect URI, which is another list', CALLBACK],
    ['javascript', 'javascript:alert(1)'],
  ])('§3 MUST match a registered address exactly: %s is refused on a page', async (_, uri) => {
    const { agent, tokens } = await signedIn();
    const page = await endSession(agent, { id_token_hint: tokens.idToken, post_logout_redirect_uri: uri });
    expect('status' in page && page.status).toBe(400);
    expect(await isSignedIn(agent)).toBe(true);
  });

  test('§3 an address without a client that registered it is not followed', async () => {
    const { agent } = await signedIn();
    const page = await endSession(agent, { post_logout_redirect_uri: 'https://attacker.example/' });
    const done = await answer(agent, page, 'sign out');
    expect('location' in done).toBe(false);
    expect('html' in done && done.html).not.toContain('attacker.example');
  });

  test.each(['nonsense', 'eyJhbGciOiJub25lIn0.eyJhdWQiOiJjbGllbnRfYnllIn0.', 'a.b.c'])(
    '§2 an id_token_hint that is not ours is refused on a page: %s',
    async (id_token_hint) => {
      const page = await endSession((await signedIn()).agent, { id_token_hint });
      expect('status' in page && page.status).toBe(400);
    },
  );

  test('§2 client_id MUST be the hint’s', async () => {
    const { agent, tokens } = await signedIn();
    const page = await endSession(agent, { id_token_hint: tokens.idToken, client_id: 'client_web' });
    expect('status' in page && page.status).toBe(400);
  });

  test('§6 without the page’s own value nobody is signed out: cross-site request forgery', async () => {
    const { agent } = await signedIn();
    const page = await endSession(agent, {});
    if ('location' in page) throw new Error('no page');
    const [form] = page.forms.filter(({ fields }) => 'logout' in fields);
    if (!form) throw new Error('no form');
    const refused = await agent.submit(page, form, { xsrf: 'guessed' });
    expect('status' in refused && refused.status).toBe(400);
    expect(await isSignedIn(agent)).toBe(true);
  });

  test('§2 signing out ends the session, not what was granted: refresh tokens live on', async () => {
    const { agent, tokens } = await signedIn();
    await answer(agent, await endSession(agent, {}), 'sign out');
    expect((await refresh(deployment, tokens.refreshToken, { client })).status).toBe(200);
  });

  test('§2 who is not signed in is led on, with no script of ours to run', async () => {
    const agent = createUserAgent(deployment.issuer);
    const page = await endSession(agent, { client_id: client.client_id, post_logout_redirect_uri: BYE });
    if ('location' in page) return expect(page.location.href).toBe(BYE);
    expect(page.status).toBe(200);
    const [form] = page.forms;
    if (!form) throw new Error(`no form: ${page.html}`);
    const left = await agent.submit(page, form);
    expect('location' in left && left.location.href).toBe(BYE);
  });

  test('§6 the page that sends itself on may run one script and stand in no frame', async () => {
    const response = await fetch(`${deployment.issuer}/oauth/logout?client_id=${client.client_id}`);
    const policy = response.headers.get('content-security-policy');
    expect(policy).toMatch(/script-src 'self' 'sha256-[\w+/=]+'/);
    expect(policy).toContain("frame-ancestors 'none'");
  });
});
