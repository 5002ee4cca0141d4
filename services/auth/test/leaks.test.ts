import { hash } from 'node:crypto';
import { mintApiKey } from '@latchkey/protocol';
import { updateOrganization } from '@latchkey/registry';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { handleReport } from '../src/leaks/report.ts';
import { makeApiKey, operatorOf, withAnotherSecret } from './support/api-keys.ts';
import { startAuth } from './support/auth-server.ts';
import { type LeakReporter, startLeakReporter } from './support/leak-reporter.ts';
import { seed } from './support/records.ts';
import type { Scene } from './support/scene.ts';
import { openStores } from './support/stores.ts';

const scene = {} as Scene;
let reporter: LeakReporter;
let key: string;
let time = 0;
const lines: string[] = [];
const PLACE =
  'https://github.com/octocat/Hello-World/blob/12345600b9cbe38a219f39a9941c9319b600c002/foo/bar.txt';

beforeAll(async () => {
  scene.stores = await openStores();
  reporter = await startLeakReporter();
  key = reporter.addKey();
  scene.auth = await startAuth({
    ...scene.stores,
    now: () => new Date(Date.now() + time),
    logs: { write: (line) => void lines.push(line) },
    more: { leakReportKeysUrl: reporter.url },
  });
  scene.records = await seed(scene.stores.durable, scene.auth.config.pepper);
});
beforeEach(() => {
  // Past whatever a test before made the server remember.
  time += 3_700_000;
  reporter.away = false;
});
afterAll(async () => {
  await scene.auth?.close();
  await scene.stores?.close();
  await reporter?.close();
});

type Finding = { token: string; type?: string; url?: string; source?: string };
const bodyOf = (findings: Finding[]) =>
  JSON.stringify(
    findings.map((finding) => ({ type: 'latchkey_api_key', url: PLACE, source: 'content', ...finding })),
  );

async function post(body: string, headers: Record<string, string>) {
  const response = await fetch(`${scene.auth.issuer}/leaked-keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, answer: JSON.parse(text) as unknown };
}
const report = (...findings: Finding[]) => {
  const body = bodyOf(findings);
  return post(body, reporter.signedHeaders(body, key));
};
const eventsOf = (targetId: string, action = 'api_key.leaked') =>
  scene.stores.durable.auditEvents.list({ targetId, action, limit: 10 });
const find = (id: string) => scene.stores.durable.apiKeys.find(id);

describe('a report of a leaked key', () => {
  test('revokes it, and says by its hash that it was real', async () => {
    const { key: leaked, apiKey } = await makeApiKey(scene);
    const { status, answer, text, headers } = await report({ token: leaked });
    expect(status).toBe(200);
    expect(answer).toEqual([
      {
        token_hash: hash('sha256', leaked, 'base64'),
        token_type: 'latchkey_api_key',
        label: 'true_positive',
      },
    ]);
    expect(text).not.toContain(leaked);
    expect(await find(apiKey.id)).toMatchObject({ revokedAt: expect.any(Date), leakedAt: expect.any(Date) });
    expect(await eventsOf(apiKey.id)).toEqual([
      expect.objectContaining({
        actor: { type: 'operator', id: 'secret-scanning' },
        organizationId: scene.records.organizationId,
        result: 'success',
        ip: expect.stringContaining('127.0.0.1'),
        requestId: headers.get('x-request-id'),
        details: expect.objectContaining({ outcome: 'revoked', url: PLACE, source: 'content' }),
      }),
    ]);
  });

  test('leaves it alive where the organisation wants to be told alone', async () => {
    const { organizationId } = scene.records;
    await updateOrganization(operatorOf(scene), organizationId, { leaked_key_policy: 'notify' });
    try {
      const { key: leaked, apiKey } = await makeApiKey(scene);
      expect((await report({ token: leaked })).answer).toEqual([
        expect.objectContaining({ label: 'true_positive' }),
      ]);
      expect(await find(apiKey.id)).toMatchObject({ revokedAt: null, leakedAt: expect.any(Date) });
    } finally {
      await updateOrganization(operatorOf(scene), organizationId, { leaked_key_policy: 'revoke' });
    }
  });

  test('that comes again changes nothing more', async () => {
    const { key: leaked, apiKey } = await makeApiKey(scene);
    const first = await report({ token: leaked });
    const before = await find(apiKey.id);
    const again = await report({ token: leaked });
    expect(again.answer).toEqual(first.answer);
    expect(await find(apiKey.id)).toEqual(before);
    expect(await eventsOf(apiKey.id)).toHaveLength(1);
    expect(await eventsOf(apiKey.id, 'api_key.revoked')).toHaveLength(1);
  });

  test('tells real keys from look-alikes, each once, in hundreds', async () => {
    const { key: leaked, apiKey } = await makeApiKey(scene);
    const { key: safe, apiKey: other } = await makeApiKey(scene);
    const unknown = Array.from({ length: 300 }, () => ({ token: mintApiKey('live').key }));
    const findings = [
      { token: leaked },
      { token: leaked, url: `${PLACE}?second` },
      { token: withAnotherSecret(safe) },
      { token: 'sk_live_nonsense' },
      { token: '' },
      ...unknown,
    ];
    const { status, answer } = await report(...findings);
    expect(status).toBe(200);
    const labels = (answer as { label: string }[]).map(({ label }) => label);
    expect(labels).toEqual(['true_positive', ...Array.from({ length: 303 }, () => 'false_positive')]);
    expect((await find(apiKey.id))?.revokedAt).toBeInstanceOf(Date);
    expect((await find(other.id))?.revokedAt).toBeNull();
    expect(await eventsOf(apiKey.id)).toHaveLength(2);
  });

  test('may lack a place, and bring members that we do not know', async () => {
    const { key: leaked } = await makeApiKey(scene);
    const body = JSON.stringify([{ token: leaked, type: 't', url: null, new_member: {} }]);
    expect((await post(body, reporter.signedHeaders(body, key))).status).toBe(200);
  });

  test('counts although entries beside it cannot be read, which the log says without a value of them', async () => {
    const { key: leaked, apiKey } = await makeApiKey(scene);
    const secret = mintApiKey('live').key;
    const bad = [1, null, { token: [secret], type: 't' }, { type: secret }, { token: secret }];
    const body = JSON.stringify([...bad, { token: leaked, type: 't' }]);
    const { status, answer } = await post(body, reporter.signedHeaders(body, key));
    expect(status).toBe(200);
    expect(answer).toEqual([expect.objectContaining({ label: 'true_positive' })]);
    expect(await find(apiKey.id)).toMatchObject({ revokedAt: expect.any(Date) });
    expect(lines.join('')).toContain('2.token invalid_type');
    expect(lines.join('')).not.toContain(secret);
  });

  test('leaves nothing of the key in the log or the audit log', async () => {
    const { key: leaked, apiKey } = await makeApiKey(scene);
    await report({ token: leaked, url: `https://pastes.example/${leaked}`, source: leaked });
    const malformed = JSON.stringify([{ token: [leaked], type: leaked.repeat(9) }]);
    expect((await post(malformed, reporter.signedHeaders(malformed, key))).status).toBe(400);
    const secret = leaked.slice(-49, -6);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join('')).not.toContain(secret);
    const events = await scene.stores.durable.auditEvents.list({ targetId: apiKey.id, limit: 10 });
    expect(events.length).toBeGreaterThan(0);
    expect(JSON.stringify(events)).not.toContain(secret);
  });
});

describe('a report is refused, and no key touched, when', () => {
  test.each<[string, (signed: Record<string, string>) => Record<string, string>]>([
    ['it is not signed', () => ({})],
    [
      'the signature is missing',
      ({ 'Github-Public-Key-Identifier': id = '' }) => ({ 'Github-Public-Key-Identifier': id }),
    ],
    [
      'the key is not named',
      ({ 'Github-Public-Key-Signature': s = '' }) => ({ 'Github-Public-Key-Signature': s }),
    ],
    ['the key is unknown', (signed) => ({ ...signed, 'Github-Public-Key-Identifier': 'key-of-nobody' })],
    ['the signature is not one', (signed) => ({ ...signed, 'Github-Public-Key-Signature': 'é!' })],
    ['the signature is of another body', () => reporter.signedHeaders('[]', key)],
  ])('%s', async (_why, change) => {
    const { key: leaked, apiKey } = await makeApiKey(scene);
    const body = bodyOf([{ token: leaked }]);
    const { status, answer } = await post(body, change(reporter.signedHeaders(body, key)));
    expect(status).toBe(403);
    expect(answer).toMatchObject({ error: 'forbidden', request_id: expect.any(String) });
    expect(await find(apiKey.id)).toMatchObject({ revokedAt: null, leakedAt: null });
  });

  test('the body was altered by one byte', async () => {
    const body = bodyOf([{ token: mintApiKey('live').key }]);
    expect((await post(`${body} `, reporter.signedHeaders(body, key))).status).toBe(403);
  });

  test('its key is not of the curve that reports are signed with', async () => {
    const foreign = reporter.addKey({ curve: 'P-384' });
    expect((await post('[]', reporter.signedHeaders('[]', foreign))).status).toBe(403);
  });

  test('it is longer than the limit', async () => {
    const body = ' '.repeat(1024 * 1024 + 1);
    expect((await post(body, reporter.signedHeaders(body, key))).status).toBe(413);
  });

  test.each(['', '{', '{}', 'null', '[1]', '[{"token":"x"}]', '[{"type":"x"}]'])(
    'it is signed and says %s',
    async (body) => {
      expect((await post(body, reporter.signedHeaders(body, key))).status).toBe(400);
    },
  );

  test('it is not posted', async () => {
    expect((await fetch(`${scene.auth.issuer}/leaked-keys`)).status).toBe(405);
  });
});

test('a key that is deleted while its report is handled costs none of the others theirs', async () => {
  const [gone, other] = [await makeApiKey(scene), await makeApiKey(scene)];
  const verified = new Map([gone, other].map(({ key: token, apiKey }) => [token, apiKey]));
  await scene.stores.durable.apiKeys.delete(gone.apiKey.id);
  const matches = [gone, other].map(({ key: token }) => ({ token, type: 'latchkey_api_key' }));
  const deps = { apiKeys: { verifyAll: async () => verified }, operator: operatorOf(scene) };
  expect(await handleReport(matches, deps)).toHaveLength(2);
  expect((await find(other.apiKey.id))?.revokedAt).toBeInstanceOf(Date);
});

describe('the reporter’s public keys', () => {
  test('are read once for many reports', async () => {
    const before = reporter.reads;
    await Promise.all(Array.from({ length: 5 }, () => report()));
    await report();
    expect(reporter.reads).toBe(before + 1);
  });

  test('are read again for a new key, at most every quarter of an hour whatever is asked for', async () => {
    await report();
    const added = reporter.addKey();
    const before = reporter.reads;
    const ask = (identifier: string) =>
      post('[]', { ...reporter.signedHeaders('[]', added), 'Github-Public-Key-Identifier': identifier });
    for (const name of ['a', 'b', added]) expect((await ask(name)).status).toBe(403);
    time += 899_000;
    expect((await ask(added)).status).toBe(403);
    expect(reporter.reads).toBe(before);
    time += 2_000;
    expect((await ask(added)).status).toBe(200);
    expect(reporter.reads).toBe(before + 1);
  });

  test('are believed for an hour: then a withdrawn one counts no more', async () => {
    const withdrawn = reporter.addKey();
    const ask = () => post('[]', reporter.signedHeaders('[]', withdrawn));
    expect((await ask()).status).toBe(200);
    reporter.withdraw(withdrawn);
    expect((await ask()).status).toBe(200);
    time += 3_600_001;
    expect((await ask()).status).toBe(403);
  });

  test('that are not to be had make a 503, never a wrong answer; known ones go on', async () => {
    await report();
    reporter.away = true;
    expect((await report()).status).toBe(200);
    time += 3_600_001;
    const answer = await report();
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).not.toBeNull();
    reporter.away = false;
    time += 10_001;
    expect((await report()).status).toBe(200);
  });
});

test('without a reporter there is no such endpoint', async () => {
  const { key: leaked, apiKey } = await makeApiKey(scene);
  const { encryptionKey } = scene.auth.config;
  const deaf = await startAuth({ ...scene.stores, more: { encryptionKey } });
  try {
    const body = bodyOf([{ token: leaked }]);
    const headers = reporter.signedHeaders(body, key);
    expect((await fetch(`${deaf.issuer}/leaked-keys`, { method: 'POST', headers, body })).status).toBe(404);
    expect((await find(apiKey.id))?.revokedAt).toBeNull();
  } finally {
    await deaf.close();
  }
});
