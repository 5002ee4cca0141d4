import { expect, it } from 'vitest';
import { describeDestination } from '../src/index.ts';

it.each([
  ['https://app.example:8443/callback?a=b', { kind: 'web', host: 'app.example:8443' }],
  ['https://app.example@evil.example/', { kind: 'web', host: 'evil.example' }],
  ['http://127.0.0.1:51004/callback', { kind: 'loopback' }],
  ['http://[::1]:51004/callback', { kind: 'loopback' }],
  ['http://localhost/callback', { kind: 'loopback' }],
  ['https://localhost.evil.example/', { kind: 'web', host: 'localhost.evil.example' }],
  ['com.example.app:/callback', { kind: 'app', scheme: 'com.example.app' }],
])('%s is shown as where it leads', (redirectUri, destination) => {
  expect(describeDestination(redirectUri)).toEqual(destination);
});
