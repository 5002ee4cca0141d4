import { startPostgres, startRedis } from '../../../infra/test/servers.ts';
import type { BenchOptions } from './benches.ts';
import { measureLatencies, percentile } from './latency.ts';
import { type SubjectProcess, startSubject } from './subject-process.ts';

const SIZES = [100, 100_000];
const ROUNDS = 9;
const REQUESTS_PER_ROUND = 5_000;
const CONNECTIONS = 8;
const TARGET = 1.5;

/** How much longer the slowest hundredth takes when each request picks one of many keys, against a few. */
export async function measureKeys({ progress }: BenchOptions): Promise<string> {
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  const env = { CREDENTIAL: 'api_key', POSTGRES_URL: postgres.url, REDIS_URL: redis.url };
  const module = new URL('./subjects/latchkey-door.ts', import.meta.url);
  const stores: Store[] = [];
  try {
    for (const size of SIZES) {
      progress(`keys: storing ${size}`);
      const subject = await startSubject({
        name: `${size} keys`,
        module,
        env: { ...env, KEYS: String(size) },
      });
      stores.push({ size, subject, firstUse: [], later: [] });
    }
    for (const store of stores) store.firstUse = await useEachOnce(store, progress);
    for (let round = 1; round <= ROUNDS; round++) {
      for (const store of stores) {
        progress(`keys: round ${round}/${ROUNDS}, ${store.size} keys`);
        store.later.push(percentile(await useAtRandom(store), 0.99));
      }
    }
    return format(stores);
  } finally {
    await Promise.all(stores.map(({ subject }) => subject.stop()));
    await Promise.all([redis.stop(), postgres.stop()]);
  }
}

interface Store {
  size: number;
  subject: SubjectProcess;
  /** Milliseconds of each key's first request, which looks it up. */
  firstUse: number[];
  /** The 99th percentile of each round, in milliseconds. */
  later: number[];
}

function useEachOnce(
  { size, subject: { load } }: Store,
  progress: BenchOptions['progress'],
): Promise<number[]> {
  progress(`keys: first use of ${size}`);
  const { url, authorizations = [] } = load;
  const authorizationOf = (index: number) => authorizations[index] ?? '';
  return measureLatencies({ url, requests: size, connections: CONNECTIONS, authorizationOf });
}

function useAtRandom({ size, subject: { load } }: Store): Promise<number[]> {
  const { url, authorizations = [] } = load;
  const authorizationOf = () => authorizations[Math.floor(Math.random() * size)] ?? '';
  return measureLatencies({ url, requests: REQUESTS_PER_ROUND, connections: CONNECTIONS, authorizationOf });
}

function format(stores: Store[]): string {
  const rows = stores.map(({ size, firstUse, later }) => ({
    name: `${size.toLocaleString('en')} keys, used at random`,
    first: percentile(firstUse, 0.99),
    p99: percentile(later, 0.5),
  }));
  const ratio = (rows[1]?.p99 ?? Number.NaN) / (rows[0]?.p99 ?? Number.NaN);
  const lines = rows.map(
    ({ name, first, p99 }) => `${name.padEnd(38)}${ms(first)} at first use${ms(p99)} from then on`,
  );
  const verdict = `${ratio.toFixed(2)} × ${ratio <= TARGET ? 'met' : 'MISSED'}`;
  return `\nkeys: 99th percentile, median of ${ROUNDS} rounds (≤ ${TARGET} × that of few keys)\n${lines.join('\n')}\n${verdict}\n`;
}

const ms = (value: number) => `${value.toFixed(2)} ms`.padStart(12);
