/**
 * Whether PostgreSQL can hold the text at all: it refuses the NUL character with an error, and half of a surrogate
 * pair reaches it as another character. Look-ups by text that a caller may choose ask first, since what cannot be
 * stored cannot be found.
 */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}
