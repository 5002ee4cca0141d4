import { describe, expect, it } from 'vitest';
import { formatLimitHeaders, retryAfterSeconds } from '../src/limits/headers.ts';
import type { LimitState } from '../src/limits/limiter.ts';

const standing = (...states: LimitState[]) => ({ states, at: 1_640_879_970_400 });

function state(name: string, requests: number, remaining: number, resetAt: number): LimitState {
  return { limit: { name, key: `${name}:x`, requests, windowSeconds: 60 }, remaining, resetAt };
}

const organization = state('organization', 1000, 12, 1_640_880_000);

describe('the headers of limits', () => {
  it('tell of one window in both spellings', () => {
    expect(formatLimitHeaders(standing(organization))).toEqual({
      'X-RateLimit-Limit': '1000',
      'X-RateLimit-Remaining': '12',
      'X-RateLimit-Reset': '1640880000',
      'RateLimit-Policy': '"organization";q=1000;w=60',
      RateLimit: '"organization";r=12;t=30',
    });
  });

  it('list every window, and describe the one with the least remaining', () => {
    const key = state('api_key', 100, 3, 1_640_879_980);
    expect(formatLimitHeaders(standing(organization, key))).toEqual({
      'X-RateLimit-Limit': '100',
      'X-RateLimit-Remaining': '3',
      'X-RateLimit-Reset': '1640879980',
      'RateLimit-Policy': '"organization";q=1000;w=60, "api_key";q=100;w=60',
      RateLimit: '"organization";r=12;t=30, "api_key";r=3;t=10',
    });
  });

  it('describe, of several used up, the window that ends last: who waits for it can succeed', () => {
    const short = state('route', 5, 0, 1_640_879_971);
    const long = state('api_key', 5, 0, 1_640_879_990);
    for (const states of [
      [short, long],
      [long, short],
    ]) {
      expect(formatLimitHeaders(standing(...states))).toMatchObject({ 'X-RateLimit-Reset': '1640879990' });
      expect(retryAfterSeconds(standing(...states))).toBe(20);
    }
  });

  it('are none without limits', () => {
    expect(formatLimitHeaders(standing())).toEqual({});
  });

  it('are never negative, a little after the end of a window', () => {
    const late = organization.resetAt * 1000 + 5_000;
    expect(formatLimitHeaders({ states: [organization], at: late })).toMatchObject({
      RateLimit: '"organization";r=12;t=0',
    });
  });
});

describe('Retry-After', () => {
  it('is the seconds until the window that is used up ends, rounded up', () => {
    expect(retryAfterSeconds(standing(organization, state('api_key', 5, 0, 1_640_879_980)))).toBe(10);
  });

  it('never comes before the effective window of the same answer', () => {
    const used = state('api_key', 5, 0, 1_640_879_980);
    const { RateLimit = '' } = formatLimitHeaders(standing(used));
    expect(retryAfterSeconds(standing(used))).toBeGreaterThanOrEqual(Number(/t=(\d+)/.exec(RateLimit)?.[1]));
  });

  it('is at least one second', () => {
    expect(retryAfterSeconds(standing(state('api_key', 5, 0, 1_640_879_970)))).toBe(1);
  });
});
