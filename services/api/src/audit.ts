import type { GuardOptions } from '@latchkey/guard';
import type { Logger } from '@latchkey/service';
import type { DurableStorage } from '@latchkey/storage';

const ONCE_EVERY_MS = 60_000;
/** Keys remembered as told of, before those of more than a minute ago are looked for. */
const SWEEP_ABOVE = 1_000;

export interface ExposureAuditDeps {
  durable: Pick<DurableStorage, 'auditEvents'>;
  logger: Logger;
  /** Epoch milliseconds. */
  now: () => number;
}

/**
 * Tells a key's organisation by its audit log that the key stood in a URL, where proxies, logs and histories keep it.
 * Once a minute and key, since a program that does so does it always. The URL itself is never written down.
 */
export function createExposureAudit(deps: ExposureAuditDeps): NonNullable<GuardOptions['onExposure']> {
  const { durable, logger, now } = deps;
  const toldAt = new Map<string, number>();
  const isRecent = (at: number | undefined) => at !== undefined && now() - at < ONCE_EVERY_MS;
  return ({ apiKeyId, organizationId, where, address, requestId }) => {
    if (isRecent(toldAt.get(apiKeyId))) return;
    if (toldAt.size > SWEEP_ABOVE) for (const [id, at] of toldAt) if (!isRecent(at)) toldAt.delete(id);
    toldAt.set(apiKeyId, now());
    const event = {
      action: 'api_key.exposed_in_url',
      result: 'failure' as const,
      actor: { type: 'api_key' as const, id: apiKeyId },
      target: { type: 'api_key', id: apiKeyId },
      organizationId: organizationId ?? null,
      ip: address ?? null,
      requestId: requestId ?? null,
      details: { where },
    };
    // The request is refused either way; what could not be recorded stands whole in the log.
    durable.auditEvents.append(event).catch((error) => {
      logger.error({ err: error, audit_event: event }, 'audit event not stored');
    });
  };
}
