/** Something security-relevant that happened. Append-only; holds no secret and no bearer value. */
export interface AuditEvent {
  id: string;
  at: Date;
  /** `sign_in.succeeded`, `client.secret_created`, `grant.revoked` … */
  action: string;
  result: 'success' | 'failure';
  /** Who did it: an account, client or "cli". */
  actor: { type: 'account' | 'client' | 'operator' | 'system'; id: string | null };
  /** To what. */
  target: { type: string; id: string } | null;
  organizationId: string | null;
  /** Address of the caller; null for the operator's command line. */
  ip: string | null;
  requestId: string | null;
  /** Anything else worth keeping. */
  details: Record<string, unknown>;
}

export type NewAuditEvent = Pick<AuditEvent, 'action' | 'result' | 'actor'> &
  Partial<Pick<AuditEvent, 'target' | 'organizationId' | 'ip' | 'requestId' | 'details'>>;

export interface AuditEvents {
  append(event: NewAuditEvent): Promise<void>;
  /** Newest first. `before` is an event id: what is older than it. */
  list(filter: {
    organizationId?: string;
    action?: string;
    before?: string;
    limit: number;
  }): Promise<AuditEvent[]>;
}
