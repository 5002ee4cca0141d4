import type { Comparison } from './compare.ts';
import type { Subject } from './measure.ts';

/** A comparison with whatever had to be started for it. */
export interface Prepared {
  comparison: Comparison;
  close(): Promise<void>;
}

const subject = (name: string, file: string, env: Record<string, string> = {}): Subject => ({
  name,
  module: new URL(`./subjects/${file}`, import.meta.url),
  env,
});
const nothing = async () => {};

export const comparisons: Record<string, () => Promise<Prepared>> = {
  guard: async () => ({
    comparison: {
      title: 'guard: a request with a JWT that has been seen before',
      baseline: subject('koa, unguarded', 'koa.ts'),
      candidates: [subject('koa + guard', 'koa-guarded.ts')],
      requestsPerRound: 20_000,
      rounds: 7,
      target: { kind: 'cost', ratio: 1.5 },
    },
    close: nothing,
  }),
  token: async () => ({
    comparison: {
      title: 'token: client credentials for a JWT signed with ES256',
      baseline: subject('oidc-provider, in memory', 'bare-provider.ts', { LOAD: 'token' }),
      candidates: [],
      requestsPerRound: 4_000,
      rounds: 7,
      target: { kind: 'rate', ratio: 0.8 },
    },
    close: nothing,
  }),
};
