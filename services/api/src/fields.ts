import { type IdKind, isId } from '@latchkey/protocol';
import { z } from 'zod';

/** Text that the database can hold: no NUL, no half of a surrogate pair. */
export function text(maxLength: number) {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .refine(
      (value) => !value.includes('\0') && value.isWellFormed(),
      'must be valid text without NUL characters',
    );
}

/** Largest quantity of one record. */
const MAX_QUANTITY = 1_000_000_000;

export const quantity = (least = 0) => z.int().min(least).max(MAX_QUANTITY);
export const signedQuantity = () =>
  z
    .int()
    .min(-MAX_QUANTITY)
    .max(MAX_QUANTITY)
    .refine((value) => value !== 0, 'must not be zero');

const EARLIEST = Date.UTC(1900, 0, 1);
const LATEST = Date.UTC(9999, 11, 31);

/** An ISO 8601 instant with an offset. */
export function instant() {
  return z.iso
    .datetime({ offset: true })
    .refine((value) => isWithin(Date.parse(value)), 'must lie between the years 1900 and 9999')
    .transform((value) => new Date(value));
}

function isWithin(ms: number): boolean {
  return ms >= EARLIEST && ms <= LATEST;
}

/** The id of another record. Whether there is one is the store's to say. */
export function reference(kind: IdKind) {
  return z
    .string()
    .max(80)
    .refine((value) => isId(kind, value), 'is not an id of the right kind');
}

/** As a record has it in an answer. */
export const stamps = {
  id: z.string().describe('Given by the API; it does not change'),
  created_at: z.iso.datetime().describe('When it was made'),
  updated_at: z.iso.datetime().describe('When it last changed'),
};

export const isoInstant = () => z.iso.datetime();
