/** Something security-relevant that happened. Append-only; holds no secret and no bearer value. */
export interface AuditEvent {
  id: string;
  at: Date;
  /** `sign_in.succeeded`, `client.secret_created`, `grant.revoked` … */
  action: string;
  result: 'success' | 'failure';
  /** Who did it: an account, client, API key or "cli". */
  actor: { type: 'account' | 'client' | 'api_key' | 'operator' | 'system'; id: string | null };
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
  /** Newest first. `before` is an event id: what is older than it. What is not named is not asked for. */
  list(filter: AuditEventFilter): Promise<AuditEvent[]>;
}

export interface AuditEventFilter {
  organizationId?: string | undefined;
  action?: string | undefined;
  result?: AuditEvent['result'] | undefined;
  /** Who did it, by id. */
  actorId?: string | undefined;
  /** To what, by id. */
  targetId?: string | undefined;
  /** At or after. */
  from?: Date | undefined;
  /** Before. */
  to?: Date | undefined;
  before?: string | undefined;
  limit: number;
}
