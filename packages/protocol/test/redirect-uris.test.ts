import { describe, expect, it } from 'vitest';
import { type ApplicationType, validateClientMetadata } from '../src/index.ts';

function accept(input: unknown) {
  const result = validateClientMetadata(input);
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  return result.metadata;
}

function refuse(input: unknown): Record<string, string> {
  const result = validateClientMetadata(input);
  if (!('faults' in result)) throw new Error('was accepted');
  return Object.fromEntries(result.faults.map(({ field, message }) => [field, message]));
}

function minimal(type: ApplicationType): Record<string, unknown> {
  const redirects = type === 'web' || type === 'spa' || type === 'native';
  return {
    client_name: 'x',
    application_type: type,
    ...(redirects ? { redirect_uris: ['https://a.example/cb'] } : {}),
  };
}

describe('redirect URIs', () => {
  const types = ['web', 'spa', 'native'] as const;
  const check = (uri: string, type: ApplicationType) =>
    validateClientMetadata({ client_name: 'x', application_type: type, redirect_uris: [uri] });

  it.each([
    'https://app.example',
    'https://app.example/callback?next=a%20b',
    'https://App.Example/Callback',
    'https://app.example:8443/callback',
    'http://127.0.0.1:5173/callback',
    'http://127.0.0.1/callback',
    'http://[::1]:8080/callback',
    'http://localhost:8080/',
  ])('%s is kept exactly as given', (uri) => {
    for (const type of types) {
      expect(accept({ ...minimal(type), redirect_uris: [uri] }).redirect_uris).toEqual([uri]);
    }
  });

  it.each([
    ['relative', '/callback'],
    ['scheme-relative', '//app.example/callback'],
    ['empty', ''],
    ['http on a public host', 'http://app.example/callback'],
    ['http on a name that starts like loopback', 'http://localhost.evil.example/callback'],
    ['http on an address that starts like loopback', 'http://127.0.0.1.evil.example/'],
    ['http on 0.0.0.0', 'http://0.0.0.0/callback'],
    ['loopback as a number', 'http://2130706433/callback'],
    ['loopback in hexadecimal', 'http://0x7f.0.0.1/callback'],
    ['loopback in short form', 'http://127.1/callback'],
    ['loopback as the user name', 'http://127.0.0.1@evil.example/'],
    ['loopback as the user name and port', 'http://localhost:80@evil.example/'],
    ['user and password', 'https://user:pass@app.example/'],
    ['an empty user', 'https://@app.example/'],
    ['a fragment', 'https://app.example/callback#part'],
    ['an empty fragment', 'https://app.example/callback#'],
    ['a wildcard host', 'https://*.app.example/callback'],
    ['a wildcard path', 'https://app.example/*'],
    ['a space', 'https://app.example/call back'],
    ['a trailing newline', 'https://app.example/callback\n'],
    ['a tab inside the scheme', 'ht\ttps://app.example/callback'],
    ['a NUL', 'https://app.example/\0'],
    ['a backslash', 'https://app.example\\@evil.example/'],
    ['a letter beyond ASCII', 'https://аpp.example/callback'],
    ['a broken escape', 'https://app.example/%zz'],
    ['one slash', 'https:/app.example/callback'],
    ['three slashes', 'https:///app.example/callback'],
    ['no slash', 'https:app.example/callback'],
    ['a bad port', 'https://app.example:99999/'],
    ['javascript', 'javascript:alert(1)'],
    ['data', 'data:text/html,x'],
    ['file', 'file:///etc/passwd'],
    ['a scheme without a dot', 'myapp://callback'],
    ['2049 characters', `https://app.example/${'a'.repeat(2029)}`],
  ])('refuses %s', (_, uri) => {
    for (const type of types) expect(check(uri, type)).toHaveProperty('faults.0.field', 'redirect_uris[0]');
  });

  it('allows a private-use scheme in reverse-domain form for native alone', () => {
    const uri = 'com.example.app:/callback';
    expect(accept({ ...minimal('native'), redirect_uris: [uri] }).redirect_uris).toEqual([uri]);
    for (const type of ['web', 'spa'] as const) expect(check(uri, type)).toHaveProperty('faults');
  });

  it('refuses https on loopback for native', () => {
    expect(check('https://127.0.0.1/callback', 'native')).toHaveProperty('faults');
    expect(check('https://127.0.0.1/callback', 'web')).toHaveProperty('metadata');
  });

  it('refuses repeats, names each bad one, and holds post-logout URIs to the same rules', () => {
    const faults = refuse({
      ...minimal('web'),
      redirect_uris: ['https://a.example/', 'http://a.example/', 'https://a.example/', 7],
      post_logout_redirect_uris: ['https://a.example/#x'],
    });
    expect(Object.keys(faults).toSorted()).toEqual([
      'post_logout_redirect_uris[0]',
      'redirect_uris[1]',
      'redirect_uris[2]',
      'redirect_uris[3]',
    ]);
  });

  it('are required for the authorization code grant and refused without it', () => {
    expect(refuse({ client_name: 'x' })).toHaveProperty('redirect_uris');
    expect(refuse({ ...minimal('machine'), redirect_uris: ['https://a.example/'] })).toHaveProperty(
      'redirect_uris',
    );
  });
});
