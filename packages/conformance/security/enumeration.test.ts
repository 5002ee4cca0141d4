import { describe, expect, test } from 'vitest';
import { requestAuthorization } from '../harness/flow.ts';
import type { Person } from '../harness/person.ts';
import { useDeployment } from '../harness/use-deployment.ts';
import { createUserAgent } from '../harness/user-agent.ts';

const deployment = useDeployment();

interface Reply {
  status: number;
  headers: Record<string, string>;
  html: string;
}

/** What a stranger gets to see of a sign-in, without what is another each time. */
async function attempt({ email, password }: Person): Promise<Reply> {
  const agent = createUserAgent(deployment.issuer);
  const page = await agent.open(requestAuthorization(deployment).url);
  if ('location' in page) throw new Error('no page');
  const form = page.forms.find(({ fields }) => 'password' in fields);
  const action = new URL(form?.action ?? '', page.url);
  const response = await fetch(action, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: agent.jar.header(action) ?? '', accept: 'text/html' },
    body: new URLSearchParams({ email, password }),
  });
  const { 'x-request-id': id = '', date: _, ...all } = Object.fromEntries(response.headers);
  // Counts requests of this address, whomever they are about.
  const headers = Object.fromEntries(Object.entries(all).filter(([name]) => !name.includes('ratelimit')));
  const uid = action.pathname.split('/')[2] ?? '';
  const html = (await response.text()).replaceAll(id, 'ID').replaceAll(uid, 'UID').replaceAll(email, 'EMAIL');
  return { status: response.status, headers: { ...headers, 'content-length': '' }, html };
}

describe('RFC 6749 credentials-guessing attacks: who has an account', () => {
  test('§10.10 an unknown address, a known one and a disabled one get the same bytes', async () => {
    const { durable, people } = deployment;
    await durable.accounts.update(people.viewer.id, { disabledAt: new Date() });
    const unknown = await attempt({ email: 'nobody@acme.example', password: 'wrong password' });
    const known = await attempt({ ...people.owner, password: 'wrong password' });
    const disabled = await attempt(people.viewer);
    expect(unknown.status).toBe(400);
    expect(known).toEqual(unknown);
    expect(disabled).toEqual(unknown);
  });

  test('§10.10 throttling comes for unknown addresses as it does for known ones', async () => {
    const until429 = async (email: string) => {
      for (let count = 1; count <= 40; count++) {
        const { status } = await attempt({ email, password: 'wrong password' });
        if (status === 429) return count;
      }
      return Number.NaN;
    };
    const known = await until429(deployment.people.admin.email);
    const unknown = await until429('somebody@acme.example');
    expect(known).toBeGreaterThan(1);
    expect(unknown).toBe(known);
  });

  test('§10.10 a throttled person is told when to come back', async () => {
    const reply = await attempt({ ...deployment.people.admin, password: 'wrong password' });
    expect([reply.status, Number(reply.headers['retry-after'])]).toEqual([429, expect.any(Number)]);
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
  });
});
