import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { generateClientSecret, generatePassword } from '@latchkey/registry';
import { z } from 'zod';
import { type DataFolder, writePrivateJson } from './data-folder.ts';

const key = () => z.string().default(() => randomBytes(32).toString('hex'));
const password = () => z.string().default(generatePassword);
const clientSecret = () => z.string().default(generateClientSecret);

/** Each is made when it is first needed, so that a later release can add one. */
const schema = z.object({
  pepper: key(),
  encryption_key: key(),
  cookie_key: key(),
  passwords: z
    .object({ owner: password(), admin: password(), developer: password(), viewer: password() })
    .prefault({}),
  client_secrets: z
    .object({ web: clientSecret(), machine: clientSecret(), resource_server: clientSecret() })
    .prefault({}),
  /** Made with their records, once the database is there. */
  api_keys: z.object({ live: z.string(), test: z.string() }).partial().prefault({}),
});

export type Secrets = z.infer<typeof schema>;
export interface ApiKeys {
  live: string;
  test: string;
}

/** The installation's secrets: random, made once and the same on every later start. */
export async function loadSecrets({ secrets: path }: DataFolder): Promise<Secrets> {
  const stored = await readJson(path);
  const secrets = schema.parse(stored ?? {});
  if (JSON.stringify(secrets) !== JSON.stringify(stored)) await writePrivateJson(path, secrets);
  return secrets;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
