import type { Logger } from '@latchkey/service';
import type { DurableStorage, NewAuditEvent } from '@latchkey/storage';

export interface Audit {
  /**
   * Appends to the audit log. What is recorded has happened already, so a failure does not undo it: it is logged
   * whole, and an operator can enter it later.
   */
  record(event: NewAuditEvent): Promise<void>;
}

export function createAudit(durable: Pick<DurableStorage, 'auditEvents'>, logger: Logger): Audit {
  return {
    async record(event) {
      try {
        await durable.auditEvents.append(event);
      } catch (error) {
        logger.error({ err: error, audit_event: event }, 'audit event not stored');
      }
    },
  };
}
