/** What Compose and the image would hand to a container's program. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readText, repositoryRoot } from '../architecture/repository.ts';
import { interpolate, readCompose } from './compose.ts';

export const compose = readCompose(readText('docker-compose.yml'));

/** Set in the image, for every container of it. */
export const imageVariables: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from(readText('infra/Dockerfile').matchAll(/^ENV (\w+)=(\S+)$/gm), ([, name = '', value = '']) => [
    name,
    value,
  ]),
);

/** Runs `infra/make-secrets` into a temporary folder, with the programs of `path`. */
export function makeSecrets(
  folder = mkdtempSync(join(tmpdir(), 'latchkey-secrets-')),
  path = process.env.PATH,
): string {
  execFileSync(join(repositoryRoot, 'infra/make-secrets'), [folder], { env: { PATH: path } });
  return folder;
}

/** `hosts` stand for the shell's variables; secrets are read in `secretsFolder` instead of `/run/secrets`. */
export function environmentOf(
  name: string,
  secretsFolder: string,
  hosts: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const { environment = {} } = compose.services[name] ?? {};
  return Object.fromEntries(
    Object.entries({ ...imageVariables, ...environment }).map(([key, value]) => [
      key,
      interpolate(value, hosts).replace('/run/secrets/', `${secretsFolder}/`),
    ]),
  );
}
