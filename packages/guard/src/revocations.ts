import type { AccessTokenClaims } from '@latchkey/protocol';

/**
 * Tokens that were revoked before they expired. Asked on every request, so it answers from memory; how it learns
 * of revocations (`createRevocationFollower`, a poll, a push) is the service's own.
 */
export interface RevocationList {
  isRevoked(claims: AccessTokenClaims): boolean;
}

/** What a revocation ends: one token (by `jti`), or every token of a grant, client, account, seat or organisation. */
const SUBJECTS = ['token', 'grant', 'client', 'account', 'member', 'organization'] as const;

/**
 * Tokens of the subject issued at or before `revokedAt` are dead. Compared in whole seconds, because that is how
 * `iat` is written: a token of the very second in which its subject was revoked may have been issued just before, so
 * it dies too, and one that was issued just after it, in the same second, must be fetched anew. Clocks of the processes
 * that revoke and issue differ: Latchkey stamps `revokedAt` some seconds ahead, and until then issues nothing anew.
 */
export interface Revocation {
  readonly subject: (typeof SUBJECTS)[number];
  /** `jti`, grant, client, account or organisation id; for a member `<organization id>/<account id>`. */
  readonly id: string;
  readonly revokedAt: Date;
  /** When the last token it could concern has expired: it is of no use after that. */
  readonly expiresAt: Date;
}

export interface RevocationSet {
  /** Where the subject was revoked before, the later instants win, in whichever order they come. */
  add(revocation: Revocation): void;
  reaches(claims: AccessTokenClaims): boolean;
  /** Forgets what has expired. @param now epoch milliseconds */
  purge(now: number): void;
  readonly size: number;
}

interface Entry {
  /** Tokens issued in this second or before are dead. */
  revokedAtSeconds: number;
  expiresAtMs: number;
}

export function createRevocationSet(): RevocationSet {
  const bySubject = new Map<Revocation['subject'], Map<string, Entry>>(
    SUBJECTS.map((subject) => [subject, new Map()]),
  );
  /** A token or a grant never comes back; the others may be enabled again, and then issue anew. */
  const ended = (subject: 'token' | 'grant', id: string | undefined): boolean =>
    id !== undefined && bySubject.get(subject)?.has(id) === true;
  const hits = (subject: Revocation['subject'], id: string | undefined, issuedAt: number): boolean => {
    const entries = bySubject.get(subject);
    if (id === undefined || entries === undefined || entries.size === 0) return false;
    const entry = entries.get(id);
    return entry !== undefined && issuedAt <= entry.revokedAtSeconds;
  };
  return {
    add({ subject, id, revokedAt, expiresAt }) {
      const entries = bySubject.get(subject);
      const before = entries?.get(id);
      entries?.set(id, {
        revokedAtSeconds: Math.max(before?.revokedAtSeconds ?? 0, Math.floor(revokedAt.getTime() / 1000)),
        expiresAtMs: Math.max(before?.expiresAtMs ?? 0, expiresAt.getTime()),
      });
    },
    reaches(claims) {
      const { iat, org_id: organization } = claims;
      const account = claims.sub === claims.client_id ? undefined : claims.sub;
      return (
        ended('token', claims.jti) ||
        ended('grant', claims.grant_id) ||
        hits('client', claims.client_id, iat) ||
        hits('account', account, iat) ||
        hits('organization', organization, iat) ||
        (bySubject.get('member')?.size !== 0 && hits('member', `${organization}/${account}`, iat))
      );
    },
    purge(now) {
      for (const entries of bySubject.values()) {
        for (const [id, entry] of entries) if (entry.expiresAtMs <= now) entries.delete(id);
      }
    },
    get size() {
      return [...bySubject.values()].reduce((sum, entries) => sum + entries.size, 0);
    },
  };
}
