import { describe, expect, test } from 'vitest';
import { DEFAULT_LIFETIMES } from '../src/index.ts';
import { authorize, createBrowser } from './support/http.ts';
import { useScene } from './support/scene.ts';

const scene = useScene();

/** How long the store keeps the browser's session, in seconds. */
async function lifetimeOf(browser: ReturnType<typeof createBrowser>): Promise<number> {
  const id = browser.cookies.get('latchkey_session')?.value ?? '';
  const session = await scene.stores.shared[0]?.artifacts.find('Session', id);
  return Number(session?.payload.exp) - Math.floor(Date.now() / 1000);
}

describe('a session', () => {
  test('in which nobody is signed in is kept no longer than a begun sign-in', async () => {
    const browser = createBrowser(scene.auth.issuer);
    await browser.open('/oauth/logout?state=a');
    const lifetime = await lifetimeOf(browser);
    expect(lifetime).toBeGreaterThan(0);
    expect(lifetime).toBeLessThanOrEqual(DEFAULT_LIFETIMES.interaction);
  });

  test('in which somebody is signed in keeps its days, asked to sign out or not', async () => {
    const { auth, client, records } = scene;
    const { browser } = await authorize(auth.issuer, {
      client,
      email: records.account.email,
      scope: 'openid work-orders:read',
    });
    const days = DEFAULT_LIFETIMES.session - 60;
    expect(await lifetimeOf(browser)).toBeGreaterThan(days);
    await browser.open('/oauth/logout');
    expect(await lifetimeOf(browser)).toBeGreaterThan(days);
  });
});

test('a request to sign out that is longer than an honest one is refused before anything of it is kept', async () => {
  const url = `${scene.auth.issuer}/oauth/logout`;
  const parameters = new URLSearchParams({ state: 's'.repeat(5_000) });
  for (const response of [
    await fetch(`${url}?${parameters}`, { redirect: 'manual' }),
    await fetch(url, { method: 'POST', body: parameters }),
  ]) {
    expect(response.status).toBe(400);
    expect(response.headers.getSetCookie()).toEqual([]);
  }
});
