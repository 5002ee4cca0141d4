import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textOf } from '../harness/person.ts';
import {
  completeFlow,
  emailOf,
  expectDeparture,
  expectPage,
  PASSWORD,
  redeem,
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

describe('signing in', () => {
  it('leads from the authorization request through both pages to a token for the person and the organisation', async () => {
    const agent = scene.newAgent();
    const { url, verifier } = startAuthorization(scene);
    const page = expectPage(await agent.open(url));
    expect(page.status).toBe(200);
    const asked = expectPage(await signIn(agent, page, 'ada'));
    const callback = expectDeparture(await submitTo(agent, asked, 'consent', { decision: 'allow' }));
    expect(`${callback.origin}${callback.pathname}`).toBe(scene.redirectUri);
    expect(callback.searchParams.get('state')).toBe('the-state');
    expect(callback.searchParams.get('iss')).toBe(scene.issuer);
    const { status, body, claims } = await redeem(scene, callback, verifier);
    expect(status).toBe(200);
    expect(body.id_token).toEqual(expect.any(String));
    expect(claims).toMatchObject({
      sub: 'user_ada',
      org_id: 'org_mill',
      role: 'owner',
      scope: 'openid email work-orders:read work-orders:write',
    });
  });

  it('asks nothing a second time: the session and the consent are remembered', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada', { parameters: { prompt: 'consent' } });
    const { url, verifier } = startAuthorization(scene);
    const { claims } = await redeem(scene, expectDeparture(await agent.open(url)), verifier);
    expect(claims).toMatchObject({
      org_id: 'org_mill',
      scope: 'openid email work-orders:read work-orders:write',
    });
  });

  it('fills in the address the application hints at', async () => {
    const { url } = startAuthorization(scene, { login_hint: 'ada@example.com' });
    const page = expectPage(await scene.newAgent().open(url));
    expect(page.forms[0]?.fields.email).toBe('ada@example.com');
  });

  it.each([
    ['prompt=login', { prompt: 'login' }],
    ['a max_age that has passed', { max_age: '60' }],
  ])('is asked for again under %s', async (_, parameters) => {
    const agent = scene.newAgent();
    scene.clock.aheadMs = -120_000;
    await completeFlow(scene, agent, 'ada', { parameters: { prompt: 'consent' } });
    scene.clock.aheadMs = 0;
    const page = expectPage(await agent.open(startAuthorization(scene, parameters).url));
    expect(page.forms[0]?.fields).toHaveProperty('password');
    expectDeparture(await signIn(agent, page, 'ada'));
  });

  it('is not asked for within max_age', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada', { parameters: { prompt: 'consent' } });
    expectDeparture(await agent.open(startAuthorization(scene, { max_age: '60' }).url));
  });

  it('returns to the application with access_denied when the person cancels', async () => {
    const agent = scene.newAgent();
    const page = expectPage(await agent.open(startAuthorization(scene).url));
    const callback = expectDeparture(await submitTo(agent, page, 'cancel'));
    expect(callback.href.startsWith(scene.redirectUri)).toBe(true);
    expect(callback.searchParams.get('error')).toBe('access_denied');
    expect(callback.searchParams.get('state')).toBe('the-state');
  });
});

describe('the metrics', () => {
  it('count pages by template: no interaction makes a series of its own', async () => {
    await completeFlow(scene, scene.newAgent(), 'two', {
      parameters: { prompt: 'consent' },
      consent: { organization: 'org_mill' },
    });
    const routes = [...(await scene.metrics.registry.metrics()).matchAll(/route="([^"]*)"/g)].map(
      ([, route]) => route,
    );
    expect(routes).toContain('/interaction/:uid/sign-in');
    expect(routes.filter((route) => /interaction\/[^:]/.test(route ?? ''))).toEqual([]);
  });
});

describe('a refused sign-in', () => {
  const refusal = async (email: string, password: string) => {
    const agent = scene.newAgent();
    const page = expectPage(await agent.open(startAuthorization(scene).url));
    return expectPage(await submitTo(agent, page, 'sign-in', { email, password }));
  };

  it('keeps the address, never the password, and says so on the same page', async () => {
    const page = await refusal('ada@example.com', 'my-wrong-password');
    expect(page.status).toBe(400);
    expect(page.forms[0]?.fields.email).toBe('ada@example.com');
    expect(page.html).not.toContain('my-wrong-password');
    expect(textOf(page.html)).toContain('The e-mail address or the password is not right.');
  });

  it('reads the same for an account that does not exist', async () => {
    const [known, unknown] = await Promise.all([
      refusal('ada@example.com', 'wrong'),
      refusal('xyz@example.com', 'wrong'),
    ]);
    const blank = ({ html, url }: { html: string; url: URL }) =>
      html
        .replaceAll(url.pathname.split('/')[2] ?? '', 'UID')
        .replaceAll(/(ada|xyz)@example.com/g, 'EMAIL')
        .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'REQUEST');
    expect(unknown.status).toBe(known.status);
    expect(blank(unknown)).toBe(blank(known));
  });

  it.each([
    ['nothing', '', ''],
    ['only an address', 'ada@example.com', ''],
    ['only a password', '', PASSWORD],
  ])('asks for both when the form holds %s', async (_, email, password) => {
    const page = await refusal(email, password);
    expect(page.status).toBe(400);
    expect(textOf(page.html)).toContain('Enter your e-mail address and your password.');
  });

  it('writes neither password nor unknown address to the log', async () => {
    await refusal('secret-person@example.com', 'secret-phrase');
    expect(scene.log.length).toBeGreaterThan(0);
    expect(scene.log.join('')).not.toMatch(/secret-person|secret-phrase/);
  });

  it('after ten guesses is throttled, and says when to try again', async () => {
    const agent = scene.newAgent();
    let page = expectPage(await agent.open(startAuthorization(scene).url));
    for (let guess = 0; guess < 10; guess++) page = expectPage(await signIn(agent, page, 'viv', 'wrong'));
    expect(page.status).toBe(400);
    const response = await fetch(
      new URL(`${page.url.pathname.replace(/\/sign-in$/, '')}/sign-in`, scene.issuer),
      {
        method: 'POST',
        headers: { cookie: agent.jar.header(page.url) ?? '', origin: scene.issuer },
        body: new URLSearchParams({ email: emailOf('viv'), password: PASSWORD }),
      },
    );
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(textOf(await response.text())).toContain('Too many attempts. Try again in');
  });
});
