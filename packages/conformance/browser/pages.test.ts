import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emailOf, PASSWORD, type Scene, startAuthorization, startScene } from '../interaction/scene.ts';
import { launchChromium, openWindow } from './chromium.ts';

let browser: Browser;
let scene: Scene;
let axe: string;
beforeAll(async () => {
  [browser, scene, axe] = await Promise.all([
    launchChromium(),
    startScene({ redirectUri: 'http://127.0.0.1:1/callback' }),
    readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'),
  ]);
});
afterAll(async () => {
  await browser.close();
  await scene.close();
});

const open = (page: Page, parameters?: Record<string, string>) =>
  page.goto(startAuthorization(scene, parameters).url.href);

async function signIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('E-mail address').fill(emailOf(name));
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Every page a person may meet, and the way there. */
const pages: Record<string, (page: Page) => Promise<unknown>> = {
  'sign-in': (page) => open(page),
  'refused sign-in': async (page) => {
    await open(page);
    await signIn(page, 'sol', 'wrong');
    await page.getByRole('alert').waitFor();
  },
  consent: async (page) => {
    await open(page);
    await signIn(page, 'viv');
    await page.getByRole('button', { name: 'Allow' }).waitFor();
  },
  'consent with a choice of organisations': async (page) => {
    await open(page);
    await signIn(page, 'two');
    await page.getByRole('group', { name: 'Organisation to use' }).waitFor();
  },
  'sign-out': async (page) => {
    await open(page);
    await signIn(page, 'ada');
    await page.getByRole('button', { name: 'Allow' }).waitFor();
    await page.goto(`${scene.issuer}/oauth/logout`);
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
  },
  'signed-out': (page) => page.goto(`${scene.issuer}/oauth/logout/success`),
  error: (page) => open(page, { redirect_uri: `https://evil.example.net/${'x'.repeat(200)}` }),
  'expired interaction': (page) => page.goto(`${scene.issuer}/interaction/over`),
  home: (page) => page.goto(scene.issuer),
};

const windows = {
  'on a desktop': { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  'on a small phone in the dark': {
    viewport: { width: 320, height: 640 },
    colorScheme: 'dark',
    hasTouch: true,
  },
} as const;

interface Violation {
  id: string;
  nodes: { target: string[]; failureSummary: string }[];
}

async function findViolations(page: Page): Promise<Violation[]> {
  await page.evaluate(axe);
  return page.evaluate('axe.run(document).then(({ violations }) => violations)');
}

describe.each(Object.entries(windows))('%s', (_, options) => {
  it.each(Object.entries(pages))(
    'the %s page is accessible and does not scroll sideways',
    async (_name, go) => {
      const { page, complaints, context } = await openWindow(browser, options);
      await go(page);
      const violations = await findViolations(page);
      expect(
        violations.map(
          ({ id, nodes }) =>
            `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`)}`,
        ),
      ).toEqual([]);
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect(await page.evaluate(overflow)).toBe(0);
      expect(complaints.filter((text) => !text.startsWith('Failed to load resource'))).toEqual([]);
      await context.close();
    },
  );
});

describe('axe', () => {
  it('would notice: a field without a label is a violation', async () => {
    const { page, context } = await openWindow(browser);
    await open(page);
    await page.evaluate("document.querySelector('label[for=email]').remove()");
    expect((await findViolations(page)).map(({ id }) => id)).toContain('label');
    await context.close();
  });
});
