import { describe, expect, test } from 'vitest';
import { basic } from '../harness/endpoints.ts';
import { obtainTokens, requestAuthorization } from '../harness/flow.ts';
import { sendRaw } from '../harness/raw-request.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent, type Page, type UserAgent } from '../harness/user-agent.ts';

const deployment = useDeployment();
const CALLBACK_ORIGIN = 'http://127.0.0.1:4999';

/** What is answered, without what is another each time. */
async function send(path: string, headers: Record<string, string>) {
  const answer = await sendRaw(new URL(path, deployment.issuer), headers);
  return { status: answer.status, text: `${answer.headers.location ?? ''}\n${answer.text}` };
}

async function openSignIn(): Promise<{ agent: UserAgent; page: Page; action: URL }> {
  const agent = createUserAgent(deployment.issuer);
  const page = await agent.open(requestAuthorization(deployment).url);
  if ('location' in page) throw new Error('no page');
  const form = page.forms.find(({ fields }) => 'password' in fields);
  return { agent, page, action: new URL(form?.action ?? '', page.url) };
}

describe('RFC 9110 Host header', () => {
  const host = () => new URL(deployment.issuer).host;

  test.each(['/.well-known/openid-configuration', '/oauth/authorize?client_id=client_web', '/'])(
    '§7.4 a request for another host is misdirected, and its name is not reflected: %s',
    async (path) => {
      for (const foreign of [
        'evil.example',
        `evil.example#${host()}`,
        `${host()}.evil.example`,
        `a@${host()}`,
      ]) {
        const { status, text } = await send(path, { host: foreign, accept: 'text/html' });
        expect([400, 421]).toContain(status);
        expect(text).not.toContain('evil.example');
      }
    },
  );

  test.each([
    ['X-Forwarded-Host', 'evil.example'],
    ['X-Forwarded-Proto', 'https'],
    ['Forwarded', 'host=evil.example;proto=https'],
    ['X-Original-Host', 'evil.example'],
    ['X-Forwarded-Prefix', '/evil.example'],
    ['X-Host', 'evil.example'],
    ['X-Original-URL', '/evil.example'],
  ])('§7.4 a stranger’s %s changes nothing in what is published', async (name, value) => {
    const path = '/.well-known/openid-configuration';
    const plain = await send(path, { host: host() });
    const forged = await send(path, { host: host(), [name]: value });
    expect(forged).toEqual(plain);
  });

  test('§7.4 X-Forwarded-For of a stranger does not choose the address that sign-ins are throttled by', async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 12; count++) {
      const { agent, action } = await openSignIn();
      const response = await fetch(action, {
        method: 'POST',
        headers: { cookie: agent.jar.header(action) ?? '', 'x-forwarded-for': `203.0.113.${count}` },
        body: new URLSearchParams({ email: 'somebody@acme.example', password: 'wrong password' }),
      });
      statuses.push(response.status);
    }
    expect(statuses).toContain(429);
  });
});

describe('RFC 6749 cross-site request forgery', () => {
  test.each([
    ['Origin of another site', { origin: 'https://evil.example' }],
    ['opaque Origin', { origin: 'null' }],
    ['Origin of another port', { origin: 'http://127.0.0.1:1' }],
    ['cross-site fetch metadata', { 'sec-fetch-site': 'cross-site' }],
    ['same-site fetch metadata, of a sibling domain', { 'sec-fetch-site': 'same-site' }],
  ])('§10.12 a form sent with %s signs nobody in', async (_, headers: Record<string, string>) => {
    const { agent, action } = await openSignIn();
    const { email, password } = deployment.people.owner;
    const response = await fetch(action, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: agent.jar.header(action) ?? '', accept: 'text/html', ...headers },
      body: new URLSearchParams({ email, password }),
    });
    expect([response.status, response.headers.get('location')]).toEqual([403, null]);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  test('§10.12 another browser’s interaction cannot be finished: its cookie is the key', async () => {
    const [victim, attacker] = [await openSignIn(), await openSignIn()];
    const { email, password } = deployment.people.viewer;
    for (const cookie of ['', attacker.agent.jar.header(attacker.action) ?? '']) {
      const response = await fetch(victim.action, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, accept: 'text/html' },
        body: new URLSearchParams({ email, password }),
      });
      expect([response.status, response.headers.get('location')]).toEqual([400, null]);
    }
  });
});

describe('RFC 6265 cookies', () => {
  test('§4.1.2 are HttpOnly, SameSite=Lax, without a Domain, and bound to their path', async () => {
    const { agent, action } = await openSignIn();
    const start = await fetch(requestAuthorization(deployment).url, { redirect: 'manual' });
    const { email, password } = deployment.people.owner;
    const signedIn = await fetch(action, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: agent.jar.header(action) ?? '' },
      body: new URLSearchParams({ email, password }),
    });
    const resumed = await fetch(new URL(signedIn.headers.get('location') ?? '', action), {
      redirect: 'manual',
      headers: { cookie: agent.jar.header(new URL(signedIn.headers.get('location') ?? '', action)) ?? '' },
    });
    const lines = [start, resumed].flatMap(({ headers }) => headers.getSetCookie());
    const alive = lines.filter((line) => !/expires=Thu, 01 Jan 1970/i.test(line));
    expect(alive.map((line) => line.split('=')[0])).toEqual(
      expect.arrayContaining(['latchkey_interaction', 'latchkey_resume', 'latchkey_session']),
    );
    for (const line of alive) {
      expect(line).toMatch(/; *httponly/i);
      expect(line).toMatch(/; *samesite=lax/i);
      expect(line).not.toMatch(/; *domain=/i);
    }
    expect(alive.find((line) => line.startsWith('latchkey_interaction='))).toMatch(
      /path=\/interaction\/[\w-]+/,
    );
  });

  test('§8.6 a cookie whose signature is wrong is no session', async () => {
    const agent = createUserAgent(deployment.issuer);
    await obtainTokens(deployment, { agent, parameters: { scope: 'openid' } });
    const { url } = requestAuthorization(deployment, { parameters: { scope: 'openid', prompt: 'none' } });
    const genuine = agent.jar.header(url) ?? '';
    const ask = async (cookie: string) => {
      const response = await fetch(url, { redirect: 'manual', headers: { cookie } });
      return new URL(response.headers.get('location') ?? '').searchParams.get('error');
    };
    expect(await ask(genuine)).toBeNull();
    const unsigned = genuine.replace(/; latchkey_session\.sig=[^;]*|latchkey_session\.sig=[^;]*; /, '');
    expect(unsigned).not.toBe(genuine);
    expect(await ask(unsigned)).toBe('login_required');
    const altered = genuine.replace(
      /(latchkey_session=)(.)/,
      (_, name, char) => name + (char === 'A' ? 'B' : 'A'),
    );
    expect(await ask(altered)).toBe('login_required');
  });
});

describe('CORS', () => {
  const EVIL = 'https://evil.example';
  const allowed = (response: Response) => response.headers.get('access-control-allow-origin');
  const token = (headers: Record<string, string>, form: Record<string, string>) =>
    fetch(`${deployment.issuer}/oauth/token`, { method: 'POST', headers, body: new URLSearchParams(form) });

  test('a public client’s own origin may read the token endpoint, another may not', async () => {
    const form = { grant_type: 'refresh_token', refresh_token: 'x'.repeat(43), client_id: 'client_spa' };
    expect(allowed(await token({ origin: CALLBACK_ORIGIN }, form))).toBe(CALLBACK_ORIGIN);
    expect(allowed(await token({ origin: EVIL }, form))).toBeNull();
    expect(allowed(await token({ origin: 'null' }, form))).toBeNull();
  });

  test('a page may not use a secret: no origin for confidential clients', async () => {
    const headers = { ...basic(deployment.clients.machine), origin: CALLBACK_ORIGIN };
    const response = await token(headers, { grant_type: 'client_credentials' });
    expect(allowed(response)).toBeNull();
  });

  test('userinfo of a public client is for its own origin', async () => {
    const { clients } = deployment;
    const { accessToken } = await obtainTokens(deployment, {
      client: clients.spa,
      parameters: { scope: 'openid' },
    });
    const ask = (origin: string) =>
      fetch(`${deployment.issuer}/oauth/userinfo`, {
        headers: { authorization: `Bearer ${accessToken}`, origin },
      });
    const own = await ask(CALLBACK_ORIGIN);
    expect([own.status, allowed(own)]).toEqual([200, CALLBACK_ORIGIN]);
    const other = await ask(EVIL);
    expect([other.status, allowed(other)]).toEqual([400, null]);
  });

  test('what people see is readable to no other origin, and credentials are allowed nowhere', async () => {
    const pages = ['/oauth/authorize', '/oauth/logout', '/interaction/x/sign-in', '/'];
    for (const path of [...pages, '/oauth/token', '/oauth/userinfo']) {
      for (const method of ['OPTIONS', 'GET']) {
        const headers = { origin: EVIL, 'access-control-request-method': 'POST' };
        const response = await fetch(deployment.issuer + path, { method, redirect: 'manual', headers });
        expect(response.headers.get('access-control-allow-credentials')).toBeNull();
        if (pages.includes(path)) expect([path, allowed(response)]).toEqual([path, null]);
      }
    }
  });

  test('keys and metadata are for everybody', async () => {
    for (const path of [
      '/oauth/jwks',
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
    ]) {
      const response = await fetch(deployment.issuer + path, { headers: { origin: EVIL } });
      expect([path, ['*', EVIL].includes(allowed(response) ?? '')]).toEqual([path, true]);
    }
  });
});
