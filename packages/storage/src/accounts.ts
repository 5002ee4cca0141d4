/** A human who signs in. */
export interface Account {
  id: string;
  /** As the person wrote it. Unique without regard to case. */
  email: string;
  emailVerified: boolean;
  name: string;
  /** argon2id in PHC string form; null while no password is set. */
  passwordDigest: string | null;
  /** Which sign-ins hold: those that were made in it. Begins at 0. */
  signInGeneration: number;
  createdAt: Date;
  updatedAt: Date;
  disabledAt: Date | null;
}

export type NewAccount = Pick<Account, 'id' | 'email' | 'name' | 'passwordDigest'> &
  Partial<Pick<Account, 'emailVerified'>>;

export interface Accounts {
  /** Inserts. Throws `ConflictError` when the id or the e-mail address (in any case) is taken. */
  create(account: NewAccount): Promise<Account>;
  find(id: string): Promise<Account | undefined>;
  /** Finds by e-mail address without regard to case. */
  findByEmail(email: string): Promise<Account | undefined>;
  /** Every account, oldest first. */
  list(): Promise<Account[]>;
  /** Changes the named fields and `updatedAt`. Throws `ConflictError` on a taken address. */
  update(
    id: string,
    changes: Partial<Pick<Account, 'email' | 'emailVerified' | 'name' | 'passwordDigest' | 'disabledAt'>>,
  ): Promise<Account | undefined>;
  /**
   * The same password under other parameters: changes the digest where it is still `from`, one compare-and-set, so that
   * a password set meanwhile stands. Answers whether it did.
   */
  renewPasswordDigest(id: string, digests: { from: string; to: string }): Promise<boolean>;
  /** Raises `signInGeneration`: each of any number of calls ends every sign-in made before it. */
  endSignIns(id: string): Promise<void>;
  /** Deletes the account with its seats, grants and refresh tokens. Answers false when there was none. */
  delete(id: string): Promise<boolean>;
}
