import { createHash } from 'node:crypto';

const key = (name: string) => createHash('sha256').update(name).digest();

/** Keys of a test deployment: fixed, so that processes of one deployment agree. */
export const PEPPER = key('pepper of the tests');
export const ENCRYPTION_KEY = key('encryption key of the tests');
export const COOKIE_KEY = key('cookie key of the tests').toString('hex');

/** The same, for a process. */
export const SECRETS_ENV = {
  PEPPER: PEPPER.toString('hex'),
  ENCRYPTION_KEY: ENCRYPTION_KEY.toString('hex'),
  COOKIE_KEYS: COOKIE_KEY,
};
