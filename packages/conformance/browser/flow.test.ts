import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type Attempt,
  CLIENT_ID,
  emailOf,
  PASSWORD,
  redeem,
  type Scene,
  startAuthorization,
  startScene,
} from '../interaction/scene.ts';
import { type Application, startApplication } from './application.ts';
import { launchChromium, openWindow, type Visit } from './chromium.ts';

let browser: Browser;
let application: Application;
let scene: Scene;
let visits: Visit[] = [];

beforeAll(async () => {
  [browser, application] = await Promise.all([launchChromium(), startApplication()]);
  scene = await startScene({ redirectUri: `${application.origin}/callback` });
});
afterAll(async () => {
  await browser.close();
  await Promise.all([scene.close(), application.close()]);
});
afterEach(async () => {
  await Promise.all(visits.map(({ context }) => context.close()));
  visits = [];
});

/** A person in front of the application's front page. */
async function visit(options?: BrowserContextOptions): Promise<Visit & Attempt> {
  const window = await openWindow(browser, options);
  visits.push(window);
  const attempt = startAuthorization(scene, { prompt: 'consent' });
  application.linkTo(attempt.url);
  application.callbacks.length = 0;
  await window.page.goto(application.origin);
  return { ...window, ...attempt };
}

async function signIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('E-mail address').fill(emailOf(name));
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function expectWelcome(page: Page, verifier: string, account: string): Promise<void> {
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
  expect(application.callbacks).toHaveLength(1);
  const { status, claims } = await redeem(scene, new URL(page.url()), verifier);
  expect(status).toBe(200);
  expect(claims).toMatchObject({ sub: account });
}

describe.each([
  ['with JavaScript', { javaScriptEnabled: true }],
  ['without JavaScript', { javaScriptEnabled: false }],
])('%s', (_, options) => {
  it('a person gets from the application’s link to its callback, and the browser has nothing to complain about', async () => {
    const { page, verifier, complaints } = await visit(options);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, 'ada');
    await page.getByRole('button', { name: 'Allow' }).click();
    await expectWelcome(page, verifier, 'user_ada');
    expect(complaints).toEqual([]);
  });

  it('denying leads back to the application too', async () => {
    const { page, complaints } = await visit(options);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, 'ada');
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.waitForURL(`${application.origin}/callback**`);
    expect(application.callbacks.map((query) => query.get('error'))).toEqual(['access_denied']);
    expect(complaints).toEqual([]);
  });

  it('another account can be used from the consent page', async () => {
    const { page, verifier, complaints } = await visit(options);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, 'ada');
    await page.getByRole('button', { name: 'Use another account' }).click();
    await signIn(page, 'viv');
    // The library ends the first session by a form that sends itself, or waits for this button.
    if (!options.javaScriptEnabled) await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('viv@example.com').waitFor();
    await page.getByRole('button', { name: 'Allow' }).click();
    await expectWelcome(page, verifier, 'user_viv');
    expect(complaints).toEqual([]);
  });

  it('signing out returns to the application', async () => {
    const { page, complaints } = await visit(options);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, 'ada');
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
    const url = new URL(`${scene.issuer}/oauth/logout`);
    url.searchParams.set('client_id', CLIENT_ID);
    url.searchParams.set('post_logout_redirect_uri', `${application.origin}/bye`);
    await page.goto(url.href);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Goodbye' }).waitFor();
    expect(complaints).toEqual([]);
  });
});

describe('by keyboard alone', () => {
  it('a person gets from the application’s link to its callback', async () => {
    const { page, verifier } = await visit();
    const { keyboard } = page;
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await page.waitForURL(`${scene.issuer}/interaction/*`);
    // The first field gets the focus by itself, on a busy machine a moment after the page has loaded.
    await page.locator('input[name="email"]:focus').waitFor();
    await keyboard.type(emailOf('ada'));
    await keyboard.press('Tab');
    await keyboard.type(PASSWORD);
    await keyboard.press('Enter');
    await page.getByRole('button', { name: 'Allow' }).waitFor();
    await tabTo(page, 'Allow');
    await keyboard.press('Enter');
    await expectWelcome(page, verifier, 'user_ada');
  });
});

/** Presses Tab until the button has the focus; a page that cannot be walked through fails. */
async function tabTo(page: Page, name: string): Promise<void> {
  const button = page.getByRole('button', { name });
  for (let step = 0; step < 20; step++) {
    await page.keyboard.press('Tab');
    if (await button.evaluate((element) => element.matches(':focus-visible'))) return;
  }
  throw new Error(`${name} cannot be reached by Tab`);
}

describe('a wrong password', () => {
  it('is said aloud, keeps the address, and the right one works at once', async () => {
    const { page, verifier } = await visit();
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, 'ada', 'wrong');
    await page.getByRole('alert').waitFor();
    expect(await page.getByLabel('E-mail address').inputValue()).toBe('ada@example.com');
    expect(await page.getByLabel('Password', { exact: true }).inputValue()).toBe('');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Allow' }).click();
    await expectWelcome(page, verifier, 'user_ada');
  });
});

describe('the back button after the end', () => {
  it('shows a page that explains', async () => {
    const { page } = await visit();
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, 'ada');
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'This sign-in page has expired' }).waitFor();
  });
});

describe('a double click on Allow', () => {
  it('calls the application back once', async () => {
    const { page, verifier } = await visit();
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, 'ada');
    await page.getByRole('button', { name: 'Allow' }).dblclick({ noWaitAfter: true });
    await expectWelcome(page, verifier, 'user_ada');
  });
});
