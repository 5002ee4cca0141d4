import { contentSecurityPolicy } from '@latchkey/service';
import { describe, expect, it } from 'vitest';
import { pageSources, sourceOf } from '../src/interaction/application.ts';

describe('the source expression of a URL', () => {
  it.each([
    ['https://app.example.com/callback?tenant=a;script-src%20*', 'https://app.example.com'],
    ['https://app.example.com:8443/cb', 'https://app.example.com:8443'],
    ['http://127.0.0.1:51004/cb', 'http://127.0.0.1:51004'],
    ['http://localhost/cb', 'http://localhost'],
    ['http://[::1]:51004/cb', 'http:'],
    ['com.example.app:/oauth/callback', 'com.example.app:'],
    ['com.example.app://callback/;script-src', 'com.example.app:'],
    ['https://app.example.com;sandbox/cb', 'https:'],
  ])('%s is %s', (uri, source) => {
    expect(sourceOf(uri)).toBe(source);
  });
});

describe('the sources of a page', () => {
  it('name the application’s logo and return address and nothing else', () => {
    const sources = pageSources(
      { name: 'App', logoUrl: 'https://cdn.example.com/a/logo.png' },
      'https://app.example.com/cb',
    );
    const policy = contentSecurityPolicy(sources);
    expect(policy).toContain("img-src 'self' data: https://cdn.example.com;");
    expect(policy).toContain("form-action 'self' https://app.example.com;");
  });

  it('name nobody for a page without either', () => {
    const policy = contentSecurityPolicy(pageSources({ name: 'App' }, undefined));
    expect(policy).toContain("img-src 'self' data:;");
    expect(policy).toContain("form-action 'self';");
  });
});
