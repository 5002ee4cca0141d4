import { type Sample, type Subject, startSubject } from './measure.ts';

/** A subject held against a baseline in the same run. */
export interface Comparison {
  title: string;
  baseline: Subject;
  candidates: Subject[];
  requestsPerRound: number;
  rounds: number;
  /** `cost`: at most so many times the baseline's work per request; `rate`: at least so much of its rate. */
  target: { kind: 'cost' | 'rate'; ratio: number };
}

export interface Row {
  name: string;
  userMicroseconds: number;
  instructions: number | undefined;
  requestsPerSecond: number;
  /** Work per request against the baseline: by instructions where they are counted, else by user time. */
  costRatio: number;
  /** Requests per second of user time, against the baseline. */
  rateRatio: number;
  meetsTarget: boolean | undefined;
}

/**
 * Runs baseline and candidates in turn, round after round, so that whatever else the machine does falls on all
 * alike, and takes each one's median.
 */
export async function compare(
  comparison: Comparison,
  options: { instructions: boolean; progress: (text: string) => void },
): Promise<Row[]> {
  const subjects = [];
  for (const subject of [comparison.baseline, ...comparison.candidates])
    subjects.push(await startSubject(subject));
  const samples = new Map(subjects.map((subject) => [subject.name, [] as Sample[]]));
  try {
    for (let round = 0; round <= comparison.rounds; round++) {
      for (const subject of subjects) {
        options.progress(`${comparison.title}: round ${round}/${comparison.rounds}, ${subject.name}`);
        const sample = await subject.run(comparison.requestsPerRound, options);
        // Round 0 warms caches and the compiler up.
        if (round > 0) samples.get(subject.name)?.push(sample);
      }
    }
  } finally {
    for (const subject of subjects) subject.stop();
  }
  const medians = subjects.map((subject) => ({
    name: subject.name,
    ...median(samples.get(subject.name) ?? []),
  }));
  return medians.map((row) => toRow(row, medians[0] ?? row, comparison));
}

type Median = ReturnType<typeof median> & { name: string };

function toRow(row: Median, baseline: Median, { target }: Comparison): Row {
  const work = (of: Median) => of.instructions ?? of.userMicroseconds;
  const costRatio = work(row) / work(baseline);
  const meets = target.kind === 'cost' ? costRatio <= target.ratio : 1 / costRatio >= target.ratio;
  return { ...row, costRatio, rateRatio: 1 / costRatio, meetsTarget: row === baseline ? undefined : meets };
}

function median(samples: Sample[]): Pick<Row, 'userMicroseconds' | 'instructions' | 'requestsPerSecond'> {
  const instructions = samples.flatMap((sample) => sample.instructionsPerRequest ?? []);
  return {
    userMicroseconds: middle(samples.map((sample) => sample.userMicrosecondsPerRequest)),
    instructions: instructions.length > 0 ? middle(instructions) : undefined,
    requestsPerSecond: middle(samples.map((sample) => sample.requestsPerSecond)),
  };
}

function middle(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
