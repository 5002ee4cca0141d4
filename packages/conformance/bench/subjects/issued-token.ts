import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { listenAnywhere } from '../subject.ts';

export const AUDIENCE = 'https://api.example.com';
export const ORGANIZATION = 'org_bench';

/** An access token with the keys of its issuer, as any of the measured libraries wants them. */
export interface IssuedToken {
  issuer: string;
  jwksUri: string;
  publicKeyPem: string;
  authorization: string;
}

export async function issueToken(): Promise<IssuedToken> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const key = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' };
  const issuer = await listenAnywhere((_request, response) => {
    response.setHeader('Content-Type', 'application/jwk-set+json');
    response.end(JSON.stringify({ keys: [key] }));
  });
  const token = await new SignJWT({
    client_id: 'client_bench',
    scope: 'work-orders:read',
    jti: 'bench',
    org_id: ORGANIZATION,
    env: 'live',
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })
    .setIssuer(issuer)
    .setAudience(AUDIENCE)
    .setSubject('client_bench')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);
  return {
    issuer,
    jwksUri: `${issuer}/.well-known/jwks.json`,
    publicKeyPem: await exportSPKI(publicKey),
    authorization: `Bearer ${token}`,
  };
}
