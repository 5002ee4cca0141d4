import { createLogger } from '@latchkey/service';
import { expect, test } from 'vitest';
import { postForm } from '../harness/endpoints.ts';
import {
  introspect,
  obtainClientToken,
  obtainCode,
  redeem,
  refresh,
  revoke,
  tokensOf,
} from '../harness/flow.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent } from '../harness/user-agent.ts';

const lines: string[] = [];
const deployment = useDeployment({
  logger: createLogger({ service: 'auth', level: 'trace' }, { write: (line) => void lines.push(line) }),
});

test('no bearer value, code, password, cookie or verifier is logged, at any level, whatever happens to it', async () => {
  const issued = await issueEverything();
  await misuse(issued);
  const log = lines.join('');
  expect(lines.length).toBeGreaterThan(25);
  const found = issued.secrets
    .filter(([, value]) => value.length > 8 && log.includes(value))
    .map(([name]) => name);
  expect(found).toEqual([]);
  expect(issued.secrets.filter(([, value]) => value.length <= 8)).toEqual([]);
});

async function issueEverything() {
  const { clients, issuer, people } = deployment;
  const agent = createUserAgent(issuer);
  const cookies = () => agent.jar.header(new URL('/', issuer)) ?? '';
  const code = await obtainCode(deployment, {
    agent,
    parameters: { scope: 'openid work-orders:read', nonce: 'nonce-of-the-test', state: 'state-of-the-test' },
  });
  const tokens = tokensOf(await redeem(deployment, code));
  const next = tokensOf(await refresh(deployment, tokens.refreshToken));
  const machine = await obtainClientToken(deployment);
  const opaque = await obtainClientToken(deployment, { resource: 'https://opaque.example.com' });
  const secrets = Object.entries({
    code: code.code,
    verifier: code.verifier,
    password: people.owner.password,
    'web secret': clients.web.client_secret,
    'machine secret': clients.machine.client_secret,
    'access token': tokens.accessToken,
    'refresh token': tokens.refreshToken,
    'second access token': next.accessToken,
    'second refresh token': next.refreshToken,
    'ID token': tokens.idToken,
    'machine token': machine,
    'opaque token': opaque,
    state: 'state-of-the-test',
    nonce: 'nonce-of-the-test',
    'session cookie': /latchkey_session=([^;]+)/.exec(cookies())?.[1] ?? '',
  });
  return { code, tokens, next, machine, opaque, secrets };
}

/** Every value where it belongs, where it does not, and after its end. */
async function misuse(issued: Awaited<ReturnType<typeof issueEverything>>): Promise<void> {
  const { clients, issuer } = deployment;
  const { code, tokens, next, machine, opaque } = issued;
  await userinfo(tokens.accessToken);
  await userinfo(`${tokens.accessToken}x`);
  await fetch(`${issuer}/oauth/userinfo?access_token=${tokens.accessToken}`);
  await fetch(`${issuer}/oauth/nowhere?token=${opaque}`);
  for (const token of [tokens.accessToken, next.refreshToken, opaque, machine]) {
    await introspect(deployment, token);
    await introspect(deployment, token, { ...clients.web, client_secret: `${clients.web.client_secret}x` });
    await postForm(`${issuer}/oauth/token`, {
      grant_type: 'refresh_token',
      refresh_token: token,
      client_secret: token,
    });
    await postForm(`${issuer}/oauth/token`, { [token]: token, grant_type: token, client_id: token });
  }
  await redeem(deployment, code);
  await revoke(deployment, tokens.accessToken, clients.published);
  await revoke(deployment, next.refreshToken);
  await fetch(`${issuer}/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens.accessToken}` },
    body: `{"client_secret":"${clients.web.client_secret}",`,
  });
}

function userinfo(token: string): Promise<Response> {
  return fetch(`${deployment.issuer}/oauth/userinfo`, { headers: { authorization: `Bearer ${token}` } });
}
