import type { Principal } from '@latchkey/guard';
import type { Logger } from '@latchkey/service';
import type { UsageCount } from '@latchkey/storage';

export interface UsageRows {
  /** @param counts requests answered with 2xx, 3xx, 4xx and 5xx */
  add(principal: Principal, route: string, counts: readonly number[], minute: number): void;
  /** Hands over the oldest rows, which are then the caller's to keep. */
  take(most: number): UsageCount[];
  /** Everything could be written again. */
  settled(): void;
  readonly size: number;
}

/** Sums by what the usage table is keyed by, oldest first; where there are too many the oldest go. */
export function createUsageRows(logger: Logger, mostRows: number): UsageRows {
  const rows = new Map<string, UsageCount>();
  let dropped = { rows: 0, requests: 0 };

  function put(row: UsageCount): void {
    const name = nameOf(row);
    const before = rows.get(name);
    if (before) before.requests += row.requests;
    else rows.set(name, row);
    if (rows.size > mostRows) dropOldest();
  }

  function dropOldest(): void {
    const [[name, row] = []] = rows;
    if (name === undefined || row === undefined) return;
    rows.delete(name);
    if (dropped.rows === 0)
      logger.error('too much usage to keep until it can be written, the oldest is dropped');
    dropped = { rows: dropped.rows + 1, requests: dropped.requests + row.requests };
  }

  return {
    add({ organizationId, environment, kind, credentialId }, route, counts, minute) {
      if (organizationId === undefined) return;
      const credentialType = kind === 'api_key' ? 'api_key' : 'client';
      counts.forEach((requests, index) => {
        if (requests === 0) return;
        const who = { organizationId, environment, credentialType, credentialId } as const;
        put({ ...who, route, statusClass: index + 2, minute: new Date(minute), requests });
      });
    },
    take(most) {
      const taken: UsageCount[] = [];
      for (const [name, row] of rows) {
        if (taken.length === most) break;
        taken.push(row);
        rows.delete(name);
      }
      return taken;
    },
    settled() {
      if (dropped.rows > 0) logger.error(dropped, 'usage that was dropped while it could not be written');
      dropped = { rows: 0, requests: 0 };
    },
    get size() {
      return rows.size;
    },
  };
}

function nameOf(row: UsageCount): string {
  const { organizationId, environment, credentialType, credentialId, route, statusClass, minute } = row;
  const parts = [organizationId, environment, credentialType, credentialId, route, statusClass];
  return `${minute.getTime()} ${parts.join(' ')}`;
}
