import { availableParallelism } from 'node:os';
import { type Counter, type CountPlan, countInstructions } from './instructions.ts';
import { readRedisTrips } from './redis-trips.ts';
import { type Subject, type SubjectProcess, startSubject } from './subject-process.ts';

/** Subjects held against a baseline in the same run. */
export interface Comparison {
  title: string;
  baseline: Subject;
  candidates: Subject[];
  /** Shown beside the candidates, and held to nothing. */
  others?: Subject[];
  /** The Redis that all of them use: what each asks of it is counted. */
  redisUrl?: string;
  requestsPerRound: number;
  rounds: number;
  counted: CountPlan;
  /** `cost`: at most so many times the baseline's work per request; `rate`: at least so much of its rate. */
  target: { kind: 'cost' | 'rate'; ratio: number; redisTrips?: number };
}

export interface Row {
  name: string;
  userMicroseconds: number;
  requestsPerSecond: number;
  instructions: number | undefined;
  /** Work per request against the baseline: by instructions where they are counted, else by user time. */
  costRatio: number;
  /** Round trips to Redis per request, where they are counted. */
  redisTrips: number | undefined;
  /** Undefined for what is held to no target. */
  meetsTarget: boolean | undefined;
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
    const isCandidate = comparison.candidates.some(({ name }) => name === row.name);
    const meetsTarget = isCandidate ? meets(comparison.target, costRatio, row.redisTrips) : undefined;
    return { ...row, costRatio, meetsTarget };
  });
}

function meets(target: Comparison['target'], costRatio: number, redisTrips = 0): boolean {
  const withinRatio = target.kind === 'cost' ? costRatio <= target.ratio : 1 / costRatio >= target.ratio;
  return withinRatio && redisTrips <= (target.redisTrips ?? Number.POSITIVE_INFINITY);
}

const subjectsOf = ({ baseline, candidates, others = [] }: Comparison) => [
  baseline,
  ...candidates,
  ...others,
];

interface Sample {
  userMicroseconds: number;
  requestsPerSecond: number;
  redisTrips: number | undefined;
}

/**
 * Runs baseline and candidates in turn, round after round, so that whatever else the machine does falls on all
 * alike, and takes each one's median.
 */
async function timeSubjects(
  comparison: Comparison,
  progress: CompareOptions['progress'],
): Promise<(Sample & { name: string })[]> {
  const { title, rounds } = comparison;
  const running: { process: SubjectProcess; samples: Sample[] }[] = [];
  try {
    for (const subject of subjectsOf(comparison)) {
      running.push({ process: await startSubject(subject), samples: [] });
    }
    for (let round = 0; round <= rounds; round++) {
      for (const { process, samples } of running) {
        progress(`${title}: round ${round}/${rounds}, ${process.name}`);
        const sample = await timeRound(process, comparison);
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
    redisTrips: comparison.redisUrl ? median(samples.map((sample) => sample.redisTrips ?? 0)) : undefined,
  }));
}

async function timeRound(
  process: SubjectProcess,
  { requestsPerRound: requests, redisUrl }: Comparison,
): Promise<Sample> {
  const tripsBefore = await readRedisTrips(redisUrl);
  const before = await process.userMicroseconds();
  const { requestsPerSecond } = await process.send(requests);
  const after = await process.userMicroseconds();
  const redisTrips = ((await readRedisTrips(redisUrl)) - tripsBefore) / requests;
  return { userMicroseconds: (after - before) / requests, requestsPerSecond, redisTrips };
}

/** As many at once as there are processors: what is counted does not depend on what else runs, unless it times out. */
async function countSubjects(
  comparison: Comparison,
  { counter, progress }: CompareOptions,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  if (!counter) return counts;
  const { title, counted } = comparison;
  const waiting = subjectsOf(comparison);
  const worker = async () => {
    for (let subject = waiting.shift(); subject; subject = waiting.shift()) {
      progress(`${title}: counting instructions of ${subject.name} with ${counter}`);
      counts.set(subject.name, await countInstructions(counter, subject, counted));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return counts;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
