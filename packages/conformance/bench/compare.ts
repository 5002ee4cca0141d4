import { type Counter, type CountPlan, countInstructions } from './instructions.ts';
import { type Subject, type SubjectProcess, startSubject } from './subject-process.ts';

/** Subjects held against a baseline in the same run. */
export interface Comparison {
  title: string;
  baseline: Subject;
  candidates: Subject[];
  requestsPerRound: number;
  rounds: number;
  counted: CountPlan;
  /** `cost`: at most so many times the baseline's work per request; `rate`: at least so much of its rate. */
  target: { kind: 'cost' | 'rate'; ratio: number };
}

export interface Row {
  name: string;
  userMicroseconds: number;
  requestsPerSecond: number;
  instructions: number | undefined;
  /** Work per request against the baseline: by instructions where they are counted, else by user time. */
  costRatio: number;
  meetsTarget: boolean;
}

export interface CompareOptions {
  counter: Counter | undefined;
  progress: (text: string) => void;
}

export async function compare(comparison: Comparison, options: CompareOptions): Promise<Row[]> {
  const timed = await timeSubjects(comparison, options.progress);
  const counted = await countSubjects(comparison, options);
  const rows = timed.map((row) => ({ ...row, instructions: counted.get(row.name) }));
  const work = (row: (typeof rows)[number] | undefined) =>
    row?.instructions ?? row?.userMicroseconds ?? Number.NaN;
  return rows.map((row) => {
    const costRatio = work(row) / work(rows[0]);
    return { ...row, costRatio, meetsTarget: meets(comparison.target, costRatio) };
  });
}

function meets({ kind, ratio }: Comparison['target'], costRatio: number): boolean {
  return kind === 'cost' ? costRatio <= ratio : 1 / costRatio >= ratio;
}

interface Sample {
  userMicroseconds: number;
  requestsPerSecond: number;
}

/**
 * Runs baseline and candidates in turn, round after round, so that whatever else the machine does falls on all
 * alike, and takes each one's median.
 */
async function timeSubjects(
  { title, baseline, candidates, requestsPerRound, rounds }: Comparison,
  progress: CompareOptions['progress'],
): Promise<(Sample & { name: string })[]> {
  const running: { process: SubjectProcess; samples: Sample[] }[] = [];
  try {
    for (const subject of [baseline, ...candidates]) {
      running.push({ process: await startSubject(subject), samples: [] });
    }
    for (let round = 0; round <= rounds; round++) {
      for (const { process, samples } of running) {
        progress(`${title}: round ${round}/${rounds}, ${process.name}`);
        const sample = await timeRound(process, requestsPerRound);
        // Round 0 warms caches and the compiler up.
        if (round > 0) samples.push(sample);
      }
    }
  } finally {
    await Promise.all(running.map(({ process }) => process.stop()));
  }
  return running.map(({ process: { name }, samples }) => ({
    name,
    userMicroseconds: median(samples.map((sample) => sample.userMicroseconds)),
    requestsPerSecond: median(samples.map((sample) => sample.requestsPerSecond)),
  }));
}

async function timeRound(process: SubjectProcess, requests: number): Promise<Sample> {
  const before = await process.userMicroseconds();
  const { requestsPerSecond } = await process.send(requests);
  const after = await process.userMicroseconds();
  return { userMicroseconds: (after - before) / requests, requestsPerSecond };
}

/** Side by side: what is counted does not depend on what else runs. */
async function countSubjects(
  { title, baseline, candidates, counted }: Comparison,
  { counter, progress }: CompareOptions,
): Promise<Map<string, number>> {
  if (!counter) return new Map();
  progress(`${title}: counting instructions with ${counter}`);
  const subjects = [baseline, ...candidates];
  const counts = await Promise.all(subjects.map((subject) => countInstructions(counter, subject, counted)));
  return new Map(subjects.map(({ name }, index) => [name, counts[index] ?? Number.NaN]));
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
