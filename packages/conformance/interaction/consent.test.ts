import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textOf } from '../harness/person.ts';
import type { Page, UserAgent } from '../harness/user-agent.ts';
import {
  API,
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
beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene.close());

/** A new browser at the consent page. */
async function askedAs(name: string, parameters: Record<string, string> = {}) {
  const agent = scene.newAgent();
  const { url, verifier } = startAuthorization(scene, { prompt: 'consent', ...parameters });
  const page = expectPage(await signIn(agent, expectPage(await agent.open(url)), name));
  return { agent, page, verifier };
}

const decide = (agent: UserAgent, page: Page, fields: Record<string, string>) =>
  submitTo(agent, page, 'consent', fields);

const consentOf = (name: string, organizationId: string | null) =>
  scene.durable.grants.findConsent(`user_${name}`, CLIENT_ID, organizationId);

describe('the consent page', () => {
  it('says who asks, for whom, for what, and where the person will be sent', async () => {
    const { page } = await askedAs('ada');
    const text = textOf(page.html);
    for (const words of [
      'Planner',
      'Old Mill',
      'ada@example.com',
      'Confirm who you are',
      'See your e-mail address',
      'Factory API',
      'List and read work orders',
      'Create and update work orders',
      'You will be sent to planner.example.com',
    ]) {
      expect(text).toContain(words);
    }
  });

  it('lists a scope beyond the role as not included', async () => {
    const { page } = await askedAs('viv');
    expect(textOf(page.html)).toMatch(/Not included.*Create and update work orders/);
    expect(textOf(page.html)).not.toMatch(/Not included.*List and read work orders/);
  });

  it('lets its form lead to the application’s origin and nowhere else', async () => {
    const { agent, page } = await askedAs('ada');
    const response = await fetch(page.url, { headers: { cookie: agent.jar.header(page.url) ?? '' } });
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("form-action 'self' https://planner.example.com;");
    expect(policy).toContain("default-src 'none'");
    expect(response.headers.get('cache-control')).toBe('no-store');
  });
});

describe('deny', () => {
  it('returns to the application with access_denied and remembers nothing', async () => {
    const { agent, page } = await askedAs('viv');
    const callback = expectDeparture(await decide(agent, page, { decision: 'deny' }));
    expect(callback.searchParams.get('error')).toBe('access_denied');
    expect(callback.searchParams.get('state')).toBe('the-state');
    expect(callback.searchParams.has('code')).toBe(false);
    expect(await consentOf('viv', 'org_mill')).toBeUndefined();
  });

  it('leaves what was agreed to before as it was', async () => {
    await completeFlow(scene, scene.newAgent(), 'ada', { parameters: { prompt: 'consent' } });
    const before = await consentOf('ada', 'org_mill');
    const { agent, page } = await askedAs('ada', { scope: 'openid quality:read' });
    expectDeparture(await decide(agent, page, { decision: 'deny' }));
    expect(before).toBeDefined();
    expect(await consentOf('ada', 'org_mill')).toEqual(before);
  });
});

describe('allow', () => {
  it('grants what was asked for, whatever else the form says', async () => {
    const { agent, page, verifier } = await askedAs('ada', { scope: 'openid work-orders:read' });
    const callback = await decide(agent, page, {
      decision: 'allow',
      scope: 'openid email work-orders:write quality:read',
      resource: 'https://other.example.com',
      accountId: 'user_viv',
      account: 'user_viv',
      client_id: 'client_other',
      redirect_uri: 'https://evil.example.net/',
    });
    const { claims } = await redeem(scene, expectDeparture(callback), verifier);
    expect(claims).toMatchObject({ sub: 'user_ada', scope: 'openid work-orders:read' });
    const grant = await scene.durable.grants.find(String(claims.grant_id));
    expect(grant?.payload).toMatchObject({
      openid: { scope: 'openid' },
      resources: { [API]: 'work-orders:read' },
    });
  });

  it('never grants a scope that the role lacks', async () => {
    const { agent, page, verifier } = await askedAs('viv');
    const callback = expectDeparture(await decide(agent, page, { decision: 'allow' }));
    const { claims, body } = await redeem(scene, callback, verifier);
    expect(claims).toMatchObject({ role: 'viewer', scope: 'openid email work-orders:read' });
    expect(body.scope).not.toContain('work-orders:write');
  });

  it('does not ask again for what the role withheld', async () => {
    const agent = scene.newAgent();
    await completeFlow(scene, agent, 'viv', { parameters: { prompt: 'consent' } });
    expectDeparture(await agent.open(startAuthorization(scene).url));
  });

  it('is on record with the grant and the scopes', async () => {
    const { claims } = await completeFlow(scene, scene.newAgent(), 'ada', {
      parameters: { prompt: 'consent' },
    });
    const events = await scene.durable.auditEvents.list({ action: 'consent.granted', limit: 1 });
    expect(events).toMatchObject([
      {
        actor: { type: 'account', id: 'user_ada' },
        target: { type: 'client', id: CLIENT_ID },
        organizationId: 'org_mill',
        details: { grant_id: claims.grant_id },
      },
    ]);
  });

  it.each([
    ['no decision', {}],
    ['another word', { decision: 'ALLOW' }],
  ])('needs the word: %s is refused and grants nothing', async (_, fields) => {
    const { agent, page } = await askedAs('sol');
    const refused = expectPage(await decide(agent, page, fields));
    expect(refused.status).toBe(400);
    expect(await consentOf('sol', null)).toBeUndefined();
  });
});

describe('a person in two organisations', () => {
  it.each([
    ['org_mill', 'admin', 'openid email work-orders:read work-orders:write'],
    ['org_forge', 'viewer', 'openid email work-orders:read'],
  ])('who chooses %s gets a token for it, with the role %s', async (organization, role, scope) => {
    const parameters = { prompt: 'consent' };
    const { claims } = await completeFlow(scene, scene.newAgent(), 'two', {
      parameters,
      consent: { organization },
    });
    expect(claims).toMatchObject({ org_id: organization, role, scope });
    expect(await consentOf('two', organization)).toBeDefined();
  });

  it('is offered both, with the one used last chosen beforehand', async () => {
    const agent = scene.newAgent();
    const parameters = { prompt: 'consent' };
    for (const organization of ['org_forge', 'org_mill', 'org_forge']) {
      await completeFlow(scene, scene.newAgent(), 'two', { parameters, consent: { organization } });
      const page = expectPage(await agent.open(startAuthorization(scene, parameters).url));
      const asked = page.forms.some(({ fields }) => 'password' in fields)
        ? expectPage(await signIn(agent, page, 'two'))
        : page;
      expect(textOf(asked.html)).toMatch(/Old Mill.*The Forge/);
      const form = asked.forms.find(({ buttons }) => buttons.includes('decision'));
      expect(form?.fields.organization).toBe(organization);
    }
  });

  it.each([
    ['somebody else’s', { organization: 'org_other' }],
    ['an empty one', { organization: '' }],
  ])('cannot choose %s', async (_, fields) => {
    const { agent, page } = await askedAs('two');
    const refused = expectPage(await decide(agent, page, { decision: 'allow', ...fields }));
    expect(refused.status).toBe(400);
    expect(textOf(refused.html)).toContain('Choose one of your organisations');
  });

  it('keeps the token of a person in one from naming another', async () => {
    const { agent, page } = await askedAs('ada');
    const refused = expectPage(await decide(agent, page, { decision: 'allow', organization: 'org_forge' }));
    expect(refused.status).toBe(400);
  });
});

describe('a person without an organisation', () => {
  it('gets who they are, and nothing of a resource server', async () => {
    const { claims, status } = await completeFlow(scene, scene.newAgent(), 'sol', {
      parameters: { prompt: 'consent' },
    });
    expect(status).toBe(200);
    expect(String(claims.scope ?? '')).not.toContain('work-orders');
    expect(claims.org_id).toBeUndefined();
    expect(await consentOf('sol', null)).toBeDefined();
  });
});
