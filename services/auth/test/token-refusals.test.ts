import { randomBase62 } from '@latchkey/protocol';
import { expect, test } from 'vitest';
import { authorize, basic, postForm } from './support/http.ts';
import { REDIRECT_URI } from './support/records.ts';
import { useScene } from './support/scene.ts';

const lines: Record<string, unknown>[] = [];
const scene = useScene({ logs: { write: (line) => void lines.push(JSON.parse(line)) } });

const code = async () => {
  const { client, records, auth } = scene;
  const request = { client, email: records.account.email, scope: 'work-orders:read' };
  const flow = await authorize(auth.issuer, request);
  return { code: flow.code, redirect_uri: REDIRECT_URI, code_verifier: flow.verifier };
};
const redeem = (form: Record<string, string>, as = scene.client) =>
  postForm(`${scene.auth.issuer}/oauth/token`, { grant_type: 'authorization_code', ...form }, basic(as));

test.each<[string, () => Promise<Awaited<ReturnType<typeof redeem>>>]>([
  [
    'does not match code_challenge',
    async () => redeem({ ...(await code()), code_verifier: randomBase62(43) }),
  ],
  ['redirect_uri mismatch', async () => redeem({ ...(await code()), redirect_uri: `${REDIRECT_URI}/x` })],
  ['client mismatch', async () => redeem(await code(), await scene.records.addClient())],
  ['not found', async () => redeem({ ...(await code()), code: randomBase62(43) })],
])('the log tells by the request id why the token endpoint refused: %s', async (reason, refused) => {
  const { headers, body } = await refused();
  expect(body.error).toBe('invalid_grant');
  const about = lines.filter(({ request_id }) => request_id === headers.get('x-request-id'));
  expect(about).toContainEqual(
    expect.objectContaining({
      level: 'info',
      client_id: expect.stringMatching(/^client_/),
      error: 'invalid_grant',
      detail: expect.stringContaining(reason),
    }),
  );
});

test('and that a code was redeemed before, or came without its verifier, with nothing of what was sent', async () => {
  const form = await code();
  await redeem(form);
  const again = await redeem(form);
  const { code_verifier: _, ...without } = await code();
  const unproven = await redeem(without);
  const details = [again, unproven].map(({ headers }) => {
    const requestId = headers.get('x-request-id');
    return lines.find(({ request_id, error }) => request_id === requestId && error !== undefined)?.detail;
  });
  expect(details).toEqual([expect.stringContaining('consumed'), expect.any(String)]);
  for (const sent of [...Object.values(form), ...Object.values(without)]) {
    if (sent !== REDIRECT_URI) expect(JSON.stringify(lines)).not.toContain(sent);
  }
});
