import { API_KEY_PATTERN } from '@latchkey/protocol';
import type { ApiKey, ApiKeyChanges, LeakedKeyPolicy } from '@latchkey/storage';
import { lockApiKey, recordApiKeyChange, writeApiKey } from './api-key-records.ts';
import { inTransaction, type Operator } from './operator.ts';
import { getOrganization } from './organizations.ts';

const DAY_MS = 86_400_000;
/** Of one key, before a sender that varies the address is not written down any more. */
const MAX_PLACES_A_DAY = 20;

/** Where a key was found by a scanner. */
export interface LeakReport {
  /** Where it can be read. Not trusted, and kept as text. */
  url: string;
  /** Who found it, or in what kind of place. */
  source: string;
}

const OUTCOMES = { revoke: 'revoked', notify: 'notified' } as const satisfies Record<LeakedKeyPolicy, string>;

/**
 * Somebody found the key where others can read it: it is revoked, or marked alone, as its organisation has chosen.
 * A report for a key that is dealt with changes nothing but the audit log, which has each place once a day.
 */
export function reportLeakedApiKey(
  operator: Operator,
  id: string,
  report: LeakReport,
): Promise<'revoked' | 'notified'> {
  return inTransaction(operator, async (within) => {
    const before = await lockApiKey(within, id);
    const { leakedKeyPolicy } = await getOrganization(within, before.organizationId);
    const outcome = before.revokedAt ? 'revoked' : OUTCOMES[leakedKeyPolicy];
    const revokes = outcome === 'revoked' && !before.revokedAt;
    const changes: ApiKeyChanges = {
      ...(!before.leakedAt && { leakedAt: within.now() }),
      ...(revokes && { revokedAt: within.now() }),
    };
    const changed = Object.keys(changes).length > 0;
    if (changed) await writeApiKey(within, id, changes);
    const details = { outcome, source: forTheLog(report.source), url: forTheLog(report.url) };
    if (changed || !(await isKnown(within, before, details))) {
      await recordApiKeyChange(within, 'api_key.leaked', before, details);
    }
    if (revokes) await recordApiKeyChange(within, 'api_key.revoked', before, { reason: 'leaked' });
    return outcome;
  });
}

/** A scanner that repeats itself must not fill the log in which the organisation looks for what happened. */
async function isKnown(
  { durable, now }: Operator,
  { id, organizationId }: ApiKey,
  { source, url }: LeakReport,
): Promise<boolean> {
  const events = await durable.auditEvents.list({
    organizationId,
    action: 'api_key.leaked',
    targetId: id,
    from: new Date(now().getTime() - DAY_MS),
    limit: MAX_PLACES_A_DAY,
  });
  return (
    events.length === MAX_PLACES_A_DAY ||
    events.some(({ details }) => details.source === source && details.url === url)
  );
}

/** A stranger's words: a page's address may hold the very key that was found on it. */
function forTheLog(text: string): string {
  return text.replace(new RegExp(API_KEY_PATTERN, 'g'), '[API key]').slice(0, 2048);
}
