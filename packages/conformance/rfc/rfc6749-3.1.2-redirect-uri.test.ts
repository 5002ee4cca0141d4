import { describe, expect, test } from 'vitest';
import { registerClient } from '../harness/clients.ts';
import { callBack, requestAuthorization } from '../harness/flow.ts';
import { textOf } from '../harness/person.ts';
import { useDeployment } from '../harness/use-deployment.ts';

const REGISTERED = 'https://app.example.com/oauth/callback';
const WITH_QUERY = 'https://app.example.com/start?tenant=7';
const LOOPBACK = 'http://127.0.0.1:4999/callback';
const deployment = useDeployment({}, (ready) =>
  registerClient(ready, 'client_exact', {
    application_type: 'web',
    redirect_uris: [REGISTERED, WITH_QUERY, LOOPBACK],
  }),
);
const client = { client_id: 'client_exact', client_secret: 'client_exact-secret-0123456789abcdef' };

const TRICKS: [string, string][] = [
  ['another host', 'https://attacker.example/oauth/callback'],
  ['a subdomain', 'https://evil.app.example.com/oauth/callback'],
  ['a registered host as a subdomain of another', 'https://app.example.com.attacker.example/oauth/callback'],
  ['the host without a label', 'https://example.com/oauth/callback'],
  ['the host in capitals', 'https://APP.example.com/oauth/callback'],
  ['a trailing dot on the host', 'https://app.example.com./oauth/callback'],
  ['a full-width letter in the host', 'https://ａpp.example.com/oauth/callback'],
  ['user information', 'https://app.example.com@attacker.example/oauth/callback'],
  ['user information before the right host', 'https://user:pass@app.example.com/oauth/callback'],
  ['http for https', 'http://app.example.com/oauth/callback'],
  ['the scheme in capitals', 'HTTPS://app.example.com/oauth/callback'],
  ['no scheme', '//app.example.com/oauth/callback'],
  ['a relative reference', '/oauth/callback'],
  ['another port', 'https://app.example.com:8443/oauth/callback'],
  ['the default port spelt out', 'https://app.example.com:443/oauth/callback'],
  ['a path suffix', 'https://app.example.com/oauth/callback/evil'],
  ['a suffix without a slash', 'https://app.example.com/oauth/callbackevil'],
  ['a trailing slash', 'https://app.example.com/oauth/callback/'],
  ['a path prefix', 'https://app.example.com/oauth'],
  ['the path in capitals', 'https://app.example.com/oauth/Callback'],
  ['a dot segment', 'https://app.example.com/oauth/x/../callback'],
  ['a doubled slash', 'https://app.example.com//oauth/callback'],
  ['an encoded slash', 'https://app.example.com/oauth%2Fcallback'],
  ['an encoded letter', 'https://app.example.com/oauth/%63allback'],
  ['a backslash', 'https://app.example.com\\oauth\\callback'],
  ['a backslash before the host', 'https://attacker.example\\@app.example.com/oauth/callback'],
  ['path parameters', 'https://app.example.com/oauth/callback;x=1'],
  ['an added query', 'https://app.example.com/oauth/callback?next=https://attacker.example'],
  ['an empty query', 'https://app.example.com/oauth/callback?'],
  ['a fragment', 'https://app.example.com/oauth/callback#x'],
  ['an empty fragment', 'https://app.example.com/oauth/callback#'],
  ['a registered query with more', 'https://app.example.com/start?tenant=7&next=x'],
  ['a registered query with another value', 'https://app.example.com/start?tenant=8'],
  ['a registered query left out', 'https://app.example.com/start'],
  ['white space after it', `${REGISTERED} `],
  ['white space before it', ` ${REGISTERED}`],
  ['a line break in it', `${REGISTERED}\r\nset-cookie: x=1`],
  ['a null byte after it', `${REGISTERED}\0`],
  ['two of them', `${REGISTERED} https://attacker.example/`],
  ['javascript', 'javascript:alert(document.domain)//app.example.com/oauth/callback'],
  ['data', 'data:text/html,<script>alert(1)</script>'],
  ['the issuer itself', 'http://127.0.0.1:3000/oauth/authorize'],
  ['another loopback port of a web client', 'http://127.0.0.1:5999/callback'],
  ['localhost for 127.0.0.1', 'http://localhost:4999/callback'],
  ['another spelling of 127.0.0.1', 'http://127.1:4999/callback'],
  ['127.0.0.1 as one number', 'http://2130706433:4999/callback'],
  ['another loopback address', 'http://127.0.0.2:4999/callback'],
  ['IPv6 loopback for IPv4', 'http://[::1]:4999/callback'],
];

describe('RFC 6749 redirect URI', () => {
  test.each(TRICKS)(
    '§3.1.2.3 MUST compare exactly: %s is refused on a page, without a redirect',
    async (_, uri) => {
      const { url } = requestAuthorization(deployment, { client, parameters: { redirect_uri: uri } });
      const response = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } });
      const html = await response.text();
      expect([response.status, response.headers.get('location')]).toEqual([400, null]);
      expect(response.headers.get('refresh')).toBeNull();
      expect(response.headers.getSetCookie().join()).not.toContain('x=1');
      expect(html).not.toMatch(/href="(?!\/)[^"]*(attacker|callback)/);
      expect(textOf(html)).toMatch(/address/i);
    },
  );

  test.each([REGISTERED, WITH_QUERY, LOOPBACK])(
    '§3.1.2.3 %s is accepted as it was registered',
    async (uri) => {
      const callback = await callBack(deployment, { client, parameters: { redirect_uri: uri } });
      const registered = new URL(uri);
      expect(callback.origin + callback.pathname).toBe(registered.origin + registered.pathname);
      expect(callback.searchParams.has('code')).toBe(true);
    },
  );

  test('§3.1.2 the registered query MUST be retained when parameters are added', async () => {
    const callback = await callBack(deployment, { client, parameters: { redirect_uri: WITH_QUERY } });
    expect(callback.searchParams.get('tenant')).toBe('7');
  });

  test('§3.1.2.3 MUST be included where several are registered', async () => {
    const { url } = requestAuthorization(deployment, { client, parameters: { redirect_uri: undefined } });
    const response = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } });
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
  });

  test('§3.1.2.3 one that is registered alone may be left out', async () => {
    const callback = await callBack(deployment, { parameters: { redirect_uri: undefined } });
    expect(callback.href.startsWith(LOOPBACK)).toBe(true);
  });
});
