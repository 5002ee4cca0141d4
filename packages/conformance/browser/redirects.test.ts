import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emailOf, PASSWORD, type Scene, startAuthorization, startScene } from '../interaction/scene.ts';
import { type Application, startApplication } from './application.ts';
import { launchChromium, openWindow } from './chromium.ts';

/** Chrome applies a form's `form-action` to all redirects that follow it, the application's own among them. */
let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

async function consentTo(scene: Scene) {
  const window = await openWindow(browser);
  await window.page.goto(startAuthorization(scene, { prompt: 'consent' }).url.href);
  await window.page.getByLabel('E-mail address').fill(emailOf('ada'));
  await window.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await window.page.getByRole('button', { name: 'Sign in' }).click();
  await window.page.getByRole('button', { name: 'Allow' }).click();
  return window;
}

describe('an application whose callback goes on to another origin', () => {
  let elsewhere: Application;
  let application: Application;
  let scene: Scene;
  beforeAll(async () => {
    elsewhere = await startApplication();
    application = await startApplication({ landing: `${elsewhere.origin}/bye` });
    scene = await startScene({ redirectUri: `${application.origin}/callback` });
  });
  afterAll(() => Promise.all([scene.close(), application.close(), elsewhere.close()]));

  it('is not stopped by the policy of the consent page', async () => {
    const { page, complaints, context } = await consentTo(scene);
    await page.waitForURL(`${elsewhere.origin}/bye`);
    expect(application.callbacks).toHaveLength(1);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it('is reached straight from the sign-in page when consent is remembered', async () => {
    const { page, context } = await consentTo(scene);
    await page.waitForURL(`${elsewhere.origin}/bye`);
    await page.goto(startAuthorization(scene, { prompt: 'login' }).url.href);
    await page.getByLabel('E-mail address').fill(emailOf('ada'));
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${elsewhere.origin}/bye`);
    await context.close();
  });
});

describe('a native application', () => {
  it.each(['com.example.planner:/callback', 'http://[::1]:1/callback'])(
    'at %s is not refused by the policy of the consent page',
    async (redirectUri) => {
      const scene = await startScene({ redirectUri, metadata: { application_type: 'native' } });
      const window = await openWindow(browser);
      const asked = new Set<string>();
      window.page.on('request', (request) => asked.add(request.url()));
      const { page, complaints } = window;
      await page.goto(startAuthorization(scene).url.href);
      await page.getByLabel('E-mail address').fill(emailOf('ada'));
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('button', { name: 'Allow' }).click();
      await expect.poll(() => [...asked].some((url) => url.startsWith(redirectUri))).toBe(true);
      expect(complaints.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
      await window.context.close();
      await scene.close();
    },
  );
});
