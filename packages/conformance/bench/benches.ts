import { compare } from './compare.ts';
import { comparisons, type Prepared } from './comparisons.ts';
import { formatComparison } from './format.ts';
import type { Counter } from './instructions.ts';
import { measureKeys } from './keys.ts';
import { measureRevocation } from './revocation.ts';

export interface BenchOptions {
  counter: Counter | undefined;
  progress: (text: string) => void;
}

/** Measures, and answers what there is to read. */
export type Bench = (options: BenchOptions) => Promise<string>;

export const benches: Record<string, Bench> = {
  ...Object.fromEntries(Object.entries(comparisons).map(([name, prepare]) => [name, comparing(prepare)])),
  keys: measureKeys,
  revocation: measureRevocation,
};

function comparing(prepare: () => Promise<Prepared>): Bench {
  return async (options) => {
    const { comparison, close } = await prepare();
    try {
      return formatComparison(comparison, await compare(comparison, options));
    } finally {
      await close();
    }
  };
}
