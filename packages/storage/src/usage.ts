import type { Environment } from '@latchkey/protocol';

/** Which credential made a request: an API key, or an application (client) whoever it acted for. */
export type CredentialType = 'api_key' | 'client';

/** What requests are counted by. */
export interface UsageKey {
  organizationId: string;
  environment: Environment;
  credentialType: CredentialType;
  /** Id of the API key or of the client. */
  credentialId: string;
  /** Method and template of the route: `GET /api/v2/work-orders/:id`. */
  route: string;
  /** First digit of the status: 2 to 5. */
  statusClass: number;
}

export interface UsageCount extends UsageKey {
  /** Start of the minute. */
  minute: Date;
  requests: number;
}

export const USAGE_INTERVALS = ['minute', 'hour', 'day'] as const;
export type UsageInterval = (typeof USAGE_INTERVALS)[number];

/** What the answer is split by, beside time. */
export const USAGE_GROUPS = ['api_key', 'application', 'route', 'status'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

export interface UsageQuery {
  organizationId: string;
  environment: Environment;
  /** At or after. */
  from: Date;
  /** Before. */
  to: Date;
  /** Buckets begin at whole minutes, hours or days of UTC. */
  interval: UsageInterval;
  groupBy?: UsageGroup | undefined;
  credentialType?: CredentialType | undefined;
  credentialId?: string | undefined;
  route?: string | undefined;
  limit: number;
}

export interface UsageRow {
  /** Start of the bucket. */
  at: Date;
  /** Id of the credential, the route, or the class as `2xx`; null where nothing splits the answer. */
  group: string | null;
  requests: number;
  /** Of these, answered with 4xx or 5xx. */
  errors: number;
}

export interface Usage {
  /** Adds to what is counted already, all or nothing, in one round trip. Counts of organisations that are gone are dropped. */
  add(counts: readonly UsageCount[]): Promise<void>;
  /**
   * Buckets with requests, oldest first, then by most requests; `groupBy: 'api_key'` counts keys alone, and
   * `'application'` clients alone.
   */
  list(query: UsageQuery): Promise<UsageRow[]>;
  /** Deletes what was counted before; answers how many rows. */
  purge(before: Date): Promise<number>;
}
