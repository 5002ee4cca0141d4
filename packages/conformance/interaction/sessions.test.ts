import { createOperator, disableAccount, enableAccount, setAccountPassword } from '@latchkey/registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textOf } from '../harness/person.ts';
import type { Page, UserAgent } from '../harness/user-agent.ts';
import {
  CLIENT_ID,
  completeFlow,
  expectDeparture,
  expectPage,
  redeem,
  type Scene,
  signIn,
  startAuthorization,
  startScene,
  submitTo,
} from './scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await startScene();
});
afterEach(() => scene.close());

const operator = () => createOperator({ durable: scene.durable, feed: scene.shared.feed, name: 'test' });

const asksToSignIn = (page: Page) => page.forms.some((form) => 'password' in form.fields);
const asksForConsent = (page: Page) => page.forms.some((form) => form.buttons.includes('decision'));

/** The page that ends the old session on the way to the new one posts itself; without JavaScript by a button. */
async function passLogoutHop(agent: UserAgent, at: Page): Promise<Page> {
  const hop = at.forms.find((form) => 'xsrf' in form.fields);
  return hop ? expectPage(await agent.submit(at, hop)) : at;
}

describe('a live session', () => {
  it('of an account that was disabled gets no code: somebody has to sign in', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada');
    await scene.durable.accounts.update('user_ada', { disabledAt: new Date() });
    const page = expectPage(await agent.open(startAuthorization(scene).url));
    expect(asksToSignIn(page)).toBe(true);
    const refused = expectPage(await signIn(agent, page, 'ada'));
    expect(refused.status).toBe(400);
  });

  it('of an account that was disabled on the consent page gets no code either', async () => {
    const agent = scene.newAgent();
    const page = expectPage(await agent.open(startAuthorization(scene).url));
    const asked = expectPage(await signIn(agent, page, 'ada'));
    await scene.durable.accounts.update('user_ada', { disabledAt: new Date() });
    const next = expectPage(await submitTo(agent, asked, 'consent', { decision: 'allow' }));
    expect(asksToSignIn(next)).toBe(true);
  });

  it('of an account that was disabled does not answer prompt=none with a code', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada');
    await scene.durable.accounts.update('user_ada', { disabledAt: new Date() });
    const callback = expectDeparture(await agent.open(startAuthorization(scene, { prompt: 'none' }).url));
    expect(callback.searchParams.get('error')).toBe('login_required');
  });

  it('ends when a password is set; the new one signs in within the same second', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada');
    await setAccountPassword(operator(), 'user_ada', 'a better one than before');
    const silent = expectDeparture(await agent.open(startAuthorization(scene, { prompt: 'none' }).url));
    expect(silent.searchParams.get('error')).toBe('login_required');
    const { url, verifier } = startAuthorization(scene);
    const page = expectPage(await agent.open(url));
    expect(asksToSignIn(page)).toBe(true);
    const callback = expectDeparture(await signIn(agent, page, 'ada', 'a better one than before'));
    expect((await redeem(scene, callback, verifier)).status).toBe(200);
    const again = expectDeparture(await agent.open(startAuthorization(scene, { prompt: 'none' }).url));
    expect(again.searchParams.get('code')).not.toBeNull();
  });

  it('does not come back with an account that was disabled and enabled again', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada');
    await disableAccount(operator(), 'user_ada');
    await enableAccount(operator(), 'user_ada');
    const callback = expectDeparture(await agent.open(startAuthorization(scene, { prompt: 'none' }).url));
    expect(callback.searchParams.get('error')).toBe('login_required');
  });

  it('whose password was set anew on the consent page agrees to nothing', async () => {
    const agent = scene.newAgent();
    const page = expectPage(await agent.open(startAuthorization(scene).url));
    const asked = expectPage(await signIn(agent, page, 'ada'));
    await setAccountPassword(operator(), 'user_ada', 'a better one than before');
    const next = expectPage(await submitTo(agent, asked, 'consent', { decision: 'allow' }));
    expect(asksToSignIn(next)).toBe(true);
    expect(await scene.durable.grants.findConsent('user_ada', CLIENT_ID, 'org_mill')).toBeUndefined();
  });

  it('of a member who was removed gets no code for that organisation', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'two', { consent: { organization: 'org_mill' } });
    await scene.durable.organizations.removeMember('org_mill', 'user_two');
    const page = expectPage(await agent.open(startAuthorization(scene).url));
    expect(asksForConsent(page)).toBe(true);
    expect(textOf(page.html)).not.toMatch(/Organisation[^.]*Old Mill/);
    const refused = await submitTo(agent, page, 'consent', { decision: 'allow', organization: 'org_mill' });
    expect(expectPage(refused).status).toBe(400);
  });

  it('of a member who was removed between the consent page and its answer gets none either', async () => {
    const agent = scene.newAgent();
    const page = expectPage(await agent.open(startAuthorization(scene).url));
    const asked = expectPage(await signIn(agent, page, 'two'));
    await scene.durable.organizations.removeMember('org_mill', 'user_two');
    const refused = await submitTo(agent, asked, 'consent', { decision: 'allow', organization: 'org_mill' });
    expect(expectPage(refused).status).toBe(400);
  });

  it('in a disabled organisation gets no code for it', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada');
    await scene.durable.organizations.update('org_mill', { disabledAt: new Date() });
    expect(asksForConsent(expectPage(await agent.open(startAuthorization(scene).url)))).toBe(true);
  });

  it('of a member whose role was lowered is asked again, and gets what the role allows', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada');
    await scene.durable.organizations.putMember({
      organizationId: 'org_mill',
      accountId: 'user_ada',
      role: 'viewer',
    });
    const { url, verifier } = startAuthorization(scene);
    const page = expectPage(await agent.open(url));
    const callback = expectDeparture(await submitTo(agent, page, 'consent', { decision: 'allow' }));
    const { claims } = await redeem(scene, callback, verifier);
    expect(claims).toMatchObject({ role: 'viewer', scope: 'openid email work-orders:read' });
    expectDeparture(await agent.open(startAuthorization(scene).url));
  });

  it('of a member whose role was raised is asked again for what was withheld', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'viv');
    await scene.durable.organizations.putMember({
      organizationId: 'org_mill',
      accountId: 'user_viv',
      role: 'admin',
    });
    const { url, verifier } = startAuthorization(scene);
    const page = expectPage(await agent.open(url));
    const callback = expectDeparture(await submitTo(agent, page, 'consent', { decision: 'allow' }));
    const { claims } = await redeem(scene, callback, verifier);
    expect(claims).toMatchObject({ role: 'admin', scope: 'openid email work-orders:read work-orders:write' });
  });
});

describe('another account', () => {
  it('signs in from the consent page, and the first one’s session ends', async () => {
    const agent = scene.newAgent();
    const { url, verifier } = startAuthorization(scene);
    const asked = expectPage(await signIn(agent, expectPage(await agent.open(url)), 'ada'));
    const page = expectPage(await submitTo(agent, asked, 'another-account'));
    expect(asksToSignIn(page)).toBe(true);
    const next = await passLogoutHop(agent, expectPage(await signIn(agent, page, 'viv')));
    expect(textOf(next.html)).toContain('viv@example.com');
    const callback = expectDeparture(await submitTo(agent, next, 'consent', { decision: 'allow' }));
    const { claims } = await redeem(scene, callback, verifier);
    expect(claims).toMatchObject({ sub: 'user_viv', role: 'viewer' });
  });

  it('is switched to by a page that may run one script and stand in no frame', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada');
    const page = expectPage(await agent.open(startAuthorization(scene, { prompt: 'login' }).url));
    const hop = expectPage(await signIn(agent, page, 'viv'));
    const again = await fetch(hop.url, { headers: { cookie: agent.jar.header(hop.url) ?? '' } });
    const policy = again.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/script-src 'self' 'sha256-[\w+/=]+'/);
    expect(policy).toContain("frame-ancestors 'none'");
  });

  it('signs in where the session of another one was still open', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada');
    const { url, verifier } = startAuthorization(scene, { prompt: 'login' });
    const next = await passLogoutHop(
      agent,
      expectPage(await signIn(agent, expectPage(await agent.open(url)), 'viv')),
    );
    const callback = expectDeparture(await submitTo(agent, next, 'consent', { decision: 'allow' }));
    expect((await redeem(scene, callback, verifier)).claims).toMatchObject({ sub: 'user_viv' });
  });

  it('may turn out to be the same: then the consent page comes back', async () => {
    const agent = scene.newAgent();
    const { url } = startAuthorization(scene);
    const asked = expectPage(await signIn(agent, expectPage(await agent.open(url)), 'ada'));
    const page = expectPage(await submitTo(agent, asked, 'another-account'));
    expect(asksForConsent(expectPage(await signIn(agent, page, 'ada')))).toBe(true);
  });
});

describe('signing out', () => {
  const logoutUrl = (parameters: Record<string, string> = {}) => {
    const url = new URL(`${scene.issuer}/oauth/logout`);
    url.search = new URLSearchParams(parameters).toString();
    return url;
  };
  const returning = () => ({
    client_id: CLIENT_ID,
    post_logout_redirect_uri: new URL('/bye', scene.redirectUri).href,
    state: 'out',
  });

  it('is asked about, ends the session, and returns to the application', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada');
    const page = expectPage(await agent.open(logoutUrl(returning())));
    expect(textOf(page.html)).toMatch(/Planner asks to end your session here\..*ada@example\.com/);
    const form = page.forms.find(({ fields }) => fields.logout === 'yes');
    if (!form) throw new Error('no sign-out form');
    const away = expectDeparture(await agent.submit(page, form));
    expect(away.href).toBe('https://planner.example.com/bye?state=out');
    expect(asksToSignIn(expectPage(await agent.open(startAuthorization(scene).url)))).toBe(true);
  });

  it('can be declined: the session goes on', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada');
    const page = expectPage(await agent.open(logoutUrl(returning())));
    const stay = page.forms.find(({ fields }) => !('logout' in fields));
    if (!stay) throw new Error('no form to stay');
    expectDeparture(await agent.submit(page, stay));
    expectDeparture(await agent.open(startAuthorization(scene).url));
  });

  it('without a return address ends on a page that says so', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'ada');
    const page = expectPage(await agent.open(logoutUrl()));
    const form = page.forms.find(({ fields }) => fields.logout === 'yes');
    if (!form) throw new Error('no sign-out form');
    expect(textOf(expectPage(await agent.submit(page, form)).html)).toContain('You are signed out');
  });

  it('leaves the application’s refresh tokens working', async () => {
    const agent = scene.newAgent();
    const { body } = await completeFlow(scene, agent, 'ada');
    const page = expectPage(await agent.open(logoutUrl()));
    const form = page.forms.find(({ fields }) => fields.logout === 'yes');
    if (!form) throw new Error('no sign-out form');
    await agent.submit(page, form);
    const response = await fetch(`${scene.issuer}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: CLIENT_ID,
        refresh_token: String(body.refresh_token),
      }),
    });
    expect(response.status).toBe(200);
  });
});
