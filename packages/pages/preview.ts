/**
 * Renders every page in every fixture's state, takes screenshots of it in Chromium (three sizes, light and dark)
 * and runs axe-core on it. `node packages/pages/preview.ts [name prefix]`; the result lies in `screenshots/`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type axe from 'axe-core';
import { type Browser, chromium } from 'playwright-core';
import { type Fixture, fixtures } from './preview/fixtures.ts';
import { ASSET_CACHE_CONTROL, createPages } from './src/index.ts';

const out = fileURLToPath(new URL('./screenshots/', import.meta.url));
const sizes = {
  wide: { width: 1280, height: 800 },
  narrow: { width: 375, height: 740 },
  least: { width: 320, height: 640 },
};
const axeSource = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'";

const pages = createPages({ assetsPath: '/assets', productName: 'Latchkey' });
const chosen = fixtures.filter(({ name }) => name.startsWith(process.argv[2] ?? ''));

function renderFixture(fixture: Fixture): string {
  return pages.render(fixture.page, fixture.data as never);
}

const server = createServer((request, response) => {
  const path = request.url ?? '/';
  const asset = pages.assets.get(path);
  if (asset) {
    response.setHeader('cache-control', ASSET_CACHE_CONTROL);
    return response.setHeader('content-type', asset.type).end(asset.body);
  }
  const fixture = chosen.find(({ name }) => path === `/${name}`);
  if (!fixture) return response.writeHead(404).end();
  response.setHeader('content-security-policy', policy).setHeader('content-type', 'text/html; charset=utf-8');
  return response.end(renderFixture(fixture));
});

interface Finding {
  where: string;
  what: string;
}

async function visit(browser: Browser, origin: string, scheme: 'light' | 'dark'): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [size, viewport] of Object.entries(sizes)) {
    const context = await browser.newContext({ viewport, colorScheme: scheme });
    const page = await context.newPage();
    let where = '';
    // What breaks the policy above is written to the browser's console.
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        findings.push({ where, what: message.text() });
    });
    for (const { name } of chosen) {
      where = `${name} ${size} ${scheme}`;
      await page.goto(`${origin}/${name}`);
      await page.screenshot({ path: `${out}${name}.${size}.${scheme}.png`, fullPage: true });
      await page.evaluate(axeSource);
      const result = await page.evaluate<axe.AxeResults>('axe.run()');
      for (const violation of result.violations)
        for (const node of violation.nodes)
          findings.push({ where, what: `${violation.id}: ${node.html} ${node.failureSummary ?? ''}` });
      if (await page.evaluate('document.documentElement.scrollWidth > innerWidth'))
        findings.push({ where, what: 'scrolls sideways' });
    }
    await context.close();
  }
  return findings;
}

mkdirSync(out, { recursive: true });
for (const fixture of chosen) writeFileSync(`${out}${fixture.name}.html`, renderFixture(fixture));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
});
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const findings = [...(await visit(browser, origin, 'light')), ...(await visit(browser, origin, 'dark'))];
await browser.close();
server.close();
for (const { where, what } of findings) process.stdout.write(`${where}: ${what}\n`);
process.stdout.write(`${chosen.length} pages in 6 views: ${findings.length} findings\n`);
process.exitCode = findings.length ? 1 : 0;
