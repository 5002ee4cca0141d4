import { once } from 'node:events';
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { openRedis } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textOf } from '../harness/person.ts';
import type { Page } from '../harness/user-agent.ts';
import {
  emailOf,
  expectDeparture,
  expectPage,
  PASSWORD,
  type Scene,
  signIn,
  startAuthorization,
  startScene,
  submitTo,
} from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene.close());

/** What every error page owes a person. */
function expectErrorPage(page: Page, status: number, words: RegExp): void {
  expect(page.status).toBe(status);
  const text = textOf(page.html);
  expect(text).toMatch(words);
  expect(text).toContain('What to do next');
  expect(text).toMatch(/Request ID [\w-]{8,}/);
  expect(text).not.toMatch(/SessionNotFound|at .*\.js:\d+/);
}

const expired = /This sign-in page has expired/;

describe('an interaction that is over', () => {
  it('by time ends on a page that explains', async () => {
    const agent = scene.newAgent();
    const page = expectPage(await agent.open(startAuthorization(scene).url));
    scene.clock.aheadMs = 2 * 60 * 60 * 1000;
    try {
      expectErrorPage(expectPage(await agent.open(page.url)), 400, expired);
      expectErrorPage(expectPage(await signIn(agent, page, 'ada')), 400, expired);
    } finally {
      scene.clock.aheadMs = 0;
    }
  });

  it('by completion ends there too, for the back button and for a second submission', async () => {
    const agent = scene.newAgent();
    const page = expectPage(await agent.open(startAuthorization(scene).url));
    const asked = expectPage(await signIn(agent, page, 'ada'));
    expectErrorPage(expectPage(await agent.open(page.url)), 400, expired);
    expectDeparture(await submitTo(agent, asked, 'consent', { decision: 'allow' }));
    expectErrorPage(expectPage(await agent.open(asked.url)), 400, expired);
    expectErrorPage(expectPage(await submitTo(agent, asked, 'consent', { decision: 'allow' })), 400, expired);
  });

  it('because it is another browser’s ends there too', async () => {
    const page = expectPage(await scene.newAgent().open(startAuthorization(scene).url));
    const stranger = scene.newAgent();
    expectErrorPage(expectPage(await stranger.open(page.url)), 400, expired);
    expectErrorPage(expectPage(await signIn(stranger, page, 'ada')), 400, expired);
  });

  it('or never was, ends there too', async () => {
    const page = expectPage(await scene.newAgent().open(`${scene.issuer}/interaction/made-up`));
    expectErrorPage(page, 400, expired);
  });

  it('cannot be reached with the cookie of another one', async () => {
    const agent = scene.newAgent();
    const [mine, other] = [
      expectPage(await agent.open(startAuthorization(scene).url)),
      expectPage(await scene.newAgent().open(startAuthorization(scene).url)),
    ];
    const response = await fetch(other.url, {
      headers: { accept: 'text/html', cookie: agent.jar.header(mine.url) ?? '' },
    });
    expect(response.status).toBe(400);
  });
});

describe('a form sent by another site', () => {
  const post = async (step: string, headers: Record<string, string>) => {
    const agent = scene.newAgent();
    const page = expectPage(await agent.open(startAuthorization(scene).url));
    const response = await fetch(`${page.url}/${step}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { accept: 'text/html', cookie: agent.jar.header(page.url) ?? '', ...headers },
      body: new URLSearchParams({ email: emailOf('ada'), password: PASSWORD, decision: 'allow' }),
    });
    return { agent, page, response };
  };

  it.each([
    ['a foreign origin', { origin: 'https://evil.example.net' }],
    ['an opaque origin', { origin: 'null' }],
    ['a sibling subdomain', { 'sec-fetch-site': 'same-site' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another site that claims our origin', { 'sec-fetch-site': 'cross-site', origin: 'ours' }],
  ])('is refused from %s, and nobody is signed in', async (_, headers) => {
    const named = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value === 'ours' ? scene.issuer : value]),
    );
    for (const step of ['sign-in', 'consent', 'cancel', 'another-account']) {
      const { response, agent, page } = await post(step, named);
      expect(response.status).toBe(403);
      expect(textOf(await response.text())).toContain('The form was sent by another site');
      expect(expectPage(await agent.open(page.url)).status).toBe(200);
    }
  });

  it('of our own is accepted under either header, or neither', async () => {
    for (const headers of [{ origin: scene.issuer }, { 'sec-fetch-site': 'same-origin' }, {}]) {
      const { response } = await post('sign-in', headers);
      expect(response.status).toBe(303);
    }
  });

  it.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x'])(
    'as %s is not read',
    async (type) => {
      const { response } = await post('sign-in', { 'content-type': type });
      expect(response.status).toBe(415);
    },
  );
});

describe('a redirect that the application did not register', () => {
  it.each([
    'https://evil.example.net/callback',
    'https://planner.example.com.evil.example.net/callback',
    'https://planner.example.com@evil.example.net/callback',
    'https://planner.example.com/callback/',
    'https://planner.example.com/callback?x=1',
    'https://planner.example.com/callback#x',
    'http://planner.example.com/callback',
    'javascript:alert(1)',
  ])('is never followed: %s', async (redirectUri) => {
    const page = expectPage(
      await scene.newAgent().open(startAuthorization(scene, { redirect_uri: redirectUri }).url),
    );
    expectErrorPage(page, 400, /The return address is not registered/);
    expect(page.html).not.toContain(`href="${redirectUri}`);
  });

  it('cannot be smuggled into an interaction', async () => {
    const agent = scene.newAgent();
    const page = expectPage(await agent.open(startAuthorization(scene).url));
    const evil = { redirect_uri: 'https://evil.example.net/', returnTo: 'https://evil.example.net/' };
    const callback = expectDeparture(await submitTo(agent, page, 'cancel', evil));
    expect(callback.origin).toBe(new URL(scene.redirectUri).origin);
  });
});

describe('every other error page', () => {
  it('names the application that is not known', async () => {
    const page = expectPage(
      await scene.newAgent().open(startAuthorization(scene, { client_id: 'client_<b>gone' }).url),
    );
    expectErrorPage(page, 400, /This application is not known here/);
    expect(page.html).toContain('client_&lt;b&gt;gone');
  });

  it('says what is wrong with a request that names no application', async () => {
    const page = expectPage(
      await scene.newAgent().open(`${scene.issuer}/oauth/authorize?response_type=code`),
    );
    expectErrorPage(page, 400, /This request cannot be completed/);
  });

  it('shows the way to the right address under a Host that is not ours', async () => {
    const { hostname, port } = new URL(scene.issuer);
    const request = get({
      hostname,
      port,
      path: '/',
      headers: { host: 'evil.example.net', accept: 'text/html' },
    });
    const [response] = await once(request, 'response');
    const html = await text(response);
    expect(response.statusCode).toBe(421);
    expect(textOf(html)).toContain('This server has another address');
    expect(html).toContain(`href="${scene.issuer}`);
    expect(html).not.toContain('evil.example.net');
  });

  it('says that there is no such page', async () => {
    expectErrorPage(
      expectPage(await scene.newAgent().open(`${scene.issuer}/nothing`)),
      404,
      /There is no such page/,
    );
  });

  it('says that the application is gone when it was disabled meanwhile', async () => {
    const agent = scene.newAgent();
    const page = expectPage(await agent.open(startAuthorization(scene).url));
    await scene.durable.clients.update('client_planner', { disabledAt: new Date() });
    try {
      expectErrorPage(expectPage(await agent.open(page.url)), 400, /This application is not known here/);
    } finally {
      await scene.durable.clients.update('client_planner', { disabledAt: null });
    }
  });
});

describe('without the shared store', () => {
  it('signing in is paused, not broken: 503 and when to come back', async () => {
    const away = await startScene({ shared: openRedis({ url: 'redis://127.0.0.1:1' }) });
    try {
      const url = startAuthorization(away).url;
      const response = await fetch(url, { headers: { accept: 'text/html' } });
      expect(response.status).toBe(503);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(textOf(await response.text())).toContain('Signing in is paused for a moment');
    } finally {
      await away.close();
    }
  });
});
