/**
 * A row's place in a list that is sorted by them, newest first. It needs no row: a list goes on from the place of one
 * that was deleted meanwhile. Instants are whole milliseconds, which is all that a `Date` holds.
 */
export interface Place {
  createdAt: Date;
  id: string;
}
