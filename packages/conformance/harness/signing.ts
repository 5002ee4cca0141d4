import { openPrivateJwk } from '@latchkey/storage';
import { importJWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import type { Deployment } from './deployment.ts';
import { ENCRYPTION_KEY } from './secrets.ts';

/** Signs with the server's own ES256 key: what is refused then is refused for what it says, not for its signature. */
export async function signAsServer(
  { durable }: Pick<Deployment, 'durable'>,
  payload: JWTPayload,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const record = (await durable.signingKeys.list()).find(({ algorithm }) => algorithm === 'ES256');
  if (!record) throw new Error('the server has no ES256 key');
  const key = await importJWK(openPrivateJwk(ENCRYPTION_KEY, record.kid, record.sealedPrivateJwk), 'ES256');
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: record.kid, ...header })
    .sign(key);
}
