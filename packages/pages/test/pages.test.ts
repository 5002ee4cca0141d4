import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { consent, fixtures, form, signIn } from '../preview/fixtures.ts';
import { createPages, type PageData, type PageName } from '../src/index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'latchkey-pages-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const pages = createPages({ assetsPath: '/assets', productName: 'Latchkey' });
const render = <Name extends PageName>(name: Name, data: PageData[Name]) => pages.render(name, data);
const count = (html: string, pattern: RegExp) => [...html.matchAll(pattern)].length;
const attributes = (html: string, name: string) =>
  [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map((match) => match[1] ?? '');

describe.each(fixtures)('the page $name', ({ page, data }) => {
  const html = pages.render(page, data as never);

  it('has a language, a title, one main landmark and one h1', () => {
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(html).toMatch(/<title>[^<]+ · Latchkey<\/title>/);
    expect(count(html, /<main[\s>]/g)).toBe(1);
    expect(count(html, /<h1[\s>]/g)).toBe(1);
  });

  it('obeys a policy without inline script or style', () => {
    expect(count(html, /<script(?![^>]*\ssrc=)/g)).toBe(0);
    expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=/i);
  });

  it('loads nothing but its own assets', () => {
    const loaded = [
      ...attributes(html, 'src'),
      ...[...html.matchAll(/<link[^>]*href="([^"]*)"/g)].map((match) => match[1] ?? ''),
    ];
    expect(loaded).toHaveLength(3);
    expect(loaded.filter((path) => !pages.assets.has(path))).toEqual([]);
  });

  it('labels every input and points every reference at an element', () => {
    const ids = attributes(html, 'id');
    expect(new Set(ids).size).toBe(ids.length);
    for (const name of ['for', 'aria-describedby', 'aria-labelledby'])
      for (const target of attributes(html, name)) expect(ids).toContain(target);
    const unlabelled = [...html.matchAll(/<(?:input|select)[^>]*>/g)]
      .map(([tag]) => tag)
      .filter((tag) => !/type="(?:hidden|radio)"/.test(tag))
      .filter((tag) => !attributes(html, 'for').includes(attributes(tag, 'id')[0] ?? ''));
    expect(unlabelled).toEqual([]);
  });

  it('leaves no gap where a value is missing', () => {
    expect(html).not.toMatch(/undefined|NaN|\[object/);
  });
});

describe('what others wrote', () => {
  const hostile = `"><script>alert('x')</script>&`;

  it('never becomes markup, whatever field it comes in', () => {
    const application = {
      name: hostile,
      host: hostile,
      ownerName: hostile,
      logoUrl: `https://logo.example/${hostile}`,
      homepageUrl: `https://home.example/${hostile}`,
    };
    const html = [
      render('sign-in', {
        application,
        form: { action: '/sign-in', fields: [{ name: hostile, value: hostile }] },
        email: hostile,
        error: hostile,
      }),
      render('consent', {
        ...consent,
        application,
        account: { email: hostile, name: hostile },
        organizations: [
          { id: hostile, name: hostile, role: hostile },
          { id: 'org_2', name: hostile },
        ],
        identityScopes: [{ name: hostile, description: hostile, canChange: true }],
        resources: [{ name: hostile, scopes: [] }],
        destination: { kind: 'web', host: hostile },
      }),
      render('error', {
        title: hostile,
        message: hostile,
        nextSteps: [hostile, { label: hostile, href: `/${hostile}` }],
        details: [{ label: hostile, value: hostile }],
        requestId: hostile,
        code: hostile,
        lang: hostile,
      }),
    ].join('');
    expect(html).not.toContain(`alert('x')`);
    expect(html).not.toContain('"><script');
    expect(html).toContain('&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;');
  });

  it.each([
    'javascript:alert(1)',
    ' JaVaScRiPt:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,x',
    'http://[',
  ])('never becomes a link that runs: %j', (url) => {
    const html = render('consent', { ...consent, application: { name: 'App', homepageUrl: url } });
    expect(html).toContain('<a href="#"');
    expect(html).not.toContain('alert(1)');
  });

  it('keeps links that lead to the web', () => {
    const html = render('signed-out', { continueUrl: 'https://app.example/?a=1&b=2' });
    expect(html).toContain('href="https://app.example/?a=1&amp;b=2"');
  });
});

describe('the sign-in page', () => {
  it('posts its hidden fields and asks for what a password manager fills in', () => {
    const html = render('sign-in', signIn);
    expect(html).toContain('<form method="post" action="/interaction/q2Xk/sign-in"');
    expect(html).toContain('<input type="hidden" name="csrf" value="kq7w1XvT0c3m">');
    expect(html).toMatch(/name="email"[^>]*autocomplete="username"/);
    expect(html).toMatch(/name="password"[^>]*autocomplete="current-password"/);
  });

  it('puts the cursor on the first field that is empty', () => {
    expect(render('sign-in', signIn)).toMatch(/name="email"[^>]* autofocus/);
    const hinted = render('sign-in', { ...signIn, email: 'ada@northwind.example' });
    expect(hinted).toMatch(/name="email"[^>]*value="ada@northwind.example"/);
    expect(hinted).toMatch(/name="password"[^>]* autofocus/);
    expect(hinted.match(/autofocus/g)).toHaveLength(1);
  });

  it('announces a failure and ties it to both fields', () => {
    const html = render('sign-in', { ...signIn, error: 'Wrong e-mail address or password.' });
    expect(html).toMatch(/id="problem" role="alert" tabindex="-1"/);
    expect(count(html, /aria-invalid="true"/g)).toBe(2);
    expect(count(html, /aria-describedby="problem"/g)).toBe(2);
  });

  it.each([
    [0.2, '1 second'],
    [30, '30 seconds'],
    [91, '2 minutes'],
    [240, '4 minutes'],
    [7200, '2 hours'],
  ])('tells after %d s of throttling to come back in %s', (retryAfterSeconds, wait) => {
    expect(render('sign-in', { ...signIn, throttled: { retryAfterSeconds } })).toContain(
      `Too many attempts. Try again in ${wait}.`,
    );
  });
});

describe('the consent page', () => {
  it('puts the refusal first, so that Enter never grants', () => {
    const html = render('consent', consent);
    const form = html.slice(html.indexOf('action="/interaction/q2Xk/consent"'));
    expect(attributes(form, 'value').filter((value) => ['allow', 'deny'].includes(value))).toEqual([
      'deny',
      'allow',
    ]);
  });

  it('marks the scopes that can change something, and no other', () => {
    expect(count(render('consent', consent), /Can change/g)).toBe(1);
  });

  it('asks for the organisation only where there is a choice', () => {
    const organizations = Array.from({ length: 6 }, (_, index) => ({
      id: `org_${index}`,
      name: `Org ${index}`,
    }));
    const withFirst = (length: number) =>
      render('consent', { ...consent, organizations: organizations.slice(0, length) });
    expect(withFirst(1)).not.toContain('name="organization"');
    expect(count(withFirst(3), /type="radio" name="organization"/g)).toBe(3);
    expect(withFirst(6)).toContain('<select id="organization" name="organization"');
  });

  it.each([1, 5])('has exactly one organisation chosen, the given one: number %i', (chosen) => {
    const organizations = Array.from({ length: chosen + 1 }, (_, index) => ({
      id: `org_${index}`,
      name: 'Org',
    }));
    const html = render('consent', { ...consent, organizations, selectedOrganizationId: `org_${chosen}` });
    expect(html).toMatch(new RegExp(`value="org_${chosen}"[^>]* (?:checked|selected)`));
    expect(count(html, /value="org_\d+"[^>]* (?:checked|selected)/g)).toBe(1);
  });

  it('offers another account beside the decision, not inside its form', () => {
    const html = render('consent', { ...consent, anotherAccount: form('/another') });
    expect(html.indexOf('</form>')).toBeGreaterThan(html.indexOf('/another'));
    expect(html.indexOf('name="decision"')).toBeGreaterThan(html.indexOf('</form>'));
  });
});

describe("a deployer's templates", () => {
  const write = (dir: string, file: string, text: string) => {
    mkdirSync(join(scratch, dir, file, '..'), { recursive: true });
    writeFileSync(join(scratch, dir, file), text);
    return join(scratch, dir);
  };

  it('win over ours, the first directory over the second', () => {
    const first = write('first', 'parts/mark.eta', '<b>First</b>');
    const second = write('second', 'parts/mark.eta', '<b>Second</b>');
    write(
      'second',
      'message.eta',
      '<% layout("@shell", { title: it.title }) %><main>Mine: <%= it.title %></main>',
    );
    const own = createPages({ templateDirs: [first, second], assetsPath: '/assets', productName: 'Acme' });
    const html = own.render('message', { title: '<Hello>', message: '' });
    expect(html).toContain('<b>First</b>');
    expect(html).not.toContain('<b>Second</b>');
    expect(html).toContain('<main>Mine: &lt;Hello&gt;</main>');
    expect(own.render('sign-in', signIn)).toContain('to continue to');
  });

  it('add a brand.css after our style sheet, under a new address', () => {
    const dir = write('brand', 'brand.css', ':root { --accent: #123456; }');
    const own = createPages({ templateDirs: [dir], assetsPath: '/assets', productName: 'Acme' });
    const [path, asset] = [...own.assets].find(([name]) => name.endsWith('.css')) ?? [];
    expect(asset?.body.toString()).toMatch(/--accent: #123456; }$/);
    expect(pages.assets.has(path ?? '')).toBe(false);
  });

  it('stop the start when they do not compile, naming the file', () => {
    const dir = write('broken', 'message.eta', '<% if (%>');
    const start = () => createPages({ templateDirs: [dir], assetsPath: '/assets', productName: 'Acme' });
    expect(start).toThrow(join(dir, 'message.eta'));
  });

  it('stop the start when their directory is missing', () => {
    const templateDirs = [join(scratch, 'nowhere')];
    expect(() => createPages({ templateDirs, assetsPath: '/assets', productName: 'Acme' })).toThrow(
      'nowhere',
    );
  });
});
