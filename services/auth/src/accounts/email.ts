import { digestSecret } from '@latchkey/storage';

// RFC 5321 §4.5.3.1.3: a path holds 256 octets, its two angle brackets among them.
const MAX_LENGTH = 254;

/** The form under which an address is looked up and counted. Undefined when it cannot be anybody's. */
export function normalizeEmail(text: string): string | undefined {
  const email = text.trim().normalize('NFC').toLowerCase();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they cannot be stored, and no address holds one
  return email.length > MAX_LENGTH || !/^[^\x00-\x20\x7f]+@[^\x00-\x20\x7f]+$/.test(email)
    ? undefined
    : email;
}

/** Names an address in counters and the audit log, where it must not be readable. */
export function digestEmail(pepper: Buffer, email: string): string {
  return digestSecret(pepper, `email:${email}`).toString('base64url').slice(0, 22);
}
