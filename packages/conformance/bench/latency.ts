import { Agent, request } from 'node:http';

export interface LatencyPlan {
  url: string;
  requests: number;
  connections: number;
  /** The Authorization value of the n-th request. */
  authorizationOf(index: number): string;
}

/** Milliseconds that each request took, in no particular order; throws unless every answer is a 200. */
export async function measureLatencies(plan: LatencyPlan): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: plan.connections });
  const latencies: number[] = [];
  let next = 0;
  const worker = async () => {
    while (next < plan.requests) {
      const authorization = plan.authorizationOf(next++);
      const started = performance.now();
      await get(plan.url, agent, authorization);
      latencies.push(performance.now() - started);
    }
  };
  try {
    await Promise.all(Array.from({ length: plan.connections }, worker));
  } finally {
    agent.destroy();
  }
  return latencies;
}

function get(url: string, agent: Agent, authorization: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  request(url, { agent, headers: { authorization } }, (response) => {
    response.resume();
    response.on('error', reject);
    response.on('end', () => {
      if (response.statusCode === 200) resolve();
      else reject(new Error(`the answer was ${response.statusCode}`));
    });
  })
    .on('error', reject)
    .end();
  return promise;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
