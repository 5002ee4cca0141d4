import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { IntrospectionOptions } from '../src/index.ts';
import {
  createAskingGuard,
  type IntrospectionServer,
  issueKey,
  startIntrospection,
} from './introspection-server.ts';
import { NOW, outcome, refusalOf, requestOf } from './issuer.ts';
import { mint } from './ports.ts';

let server: IntrospectionServer;
beforeEach(async () => {
  server = await startIntrospection();
});
afterEach(() => server.close());

const issue = (answer?: Record<string, unknown>) => issueKey(server, answer);
const setUp = (client?: Partial<IntrospectionOptions>) => createAskingGuard(server, {}, client);

describe('an answer', () => {
  test('is believed for ten seconds, without a promise, and then asked for again', async () => {
    const { authorization, key } = issue();
    const guard = setUp();
    const check = guard.protect();
    const { principal } = await check(requestOf({ authorization }));
    guard.clock.seconds += 9.999;
    const again = check(requestOf({ authorization }));
    expect(again).not.toBeInstanceOf(Promise);
    expect((await again).principal).toBe(principal);
    server.answers.delete(key);
    expect(await outcome(guard, authorization)).toBe('accepted');
    guard.clock.seconds += 0.001;
    expect(await outcome(guard, authorization)).toBe('api_key_inactive');
    expect(server.asked).toHaveLength(2);
  });

  test('that is bad is believed as long', async () => {
    const key = mint();
    const guard = setUp({ cacheSeconds: 3 });
    for (const seconds of [0, 2.9]) {
      guard.clock.seconds = NOW + seconds;
      expect(await outcome(guard, key.authorization)).toBe('api_key_inactive');
    }
    expect(server.asked).toHaveLength(1);
    guard.clock.seconds = NOW + 3;
    await outcome(guard, key.authorization);
    expect(server.asked).toHaveLength(2);
  });

  test('that is bad is believed as long of what was good before, and the other way round', async () => {
    const { authorization, key } = issue();
    const guard = setUp();
    const twice = async () => [await outcome(guard, authorization), await outcome(guard, authorization)];
    expect(await twice()).toEqual(['accepted', 'accepted']);
    const answer = server.answers.get(key) ?? {};
    server.answers.delete(key);
    guard.clock.seconds += 11;
    expect(await twice()).toEqual(['api_key_inactive', 'api_key_inactive']);
    expect(server.asked).toHaveLength(2);
    server.answers.set(key, answer);
    guard.clock.seconds += 11;
    expect(await twice()).toEqual(['accepted', 'accepted']);
    expect(server.asked).toHaveLength(3);
  });

  test('is never believed past the expiry of what it is about', async () => {
    const { authorization } = issue({ exp: NOW + 4 });
    const guard = setUp();
    expect(await outcome(guard, authorization)).toBe('accepted');
    guard.clock.seconds = NOW + 4;
    expect(await outcome(guard, authorization)).toBe('api_key_expired');
  });

  test('counts from the question, not from its arrival', async () => {
    const { authorization } = issue();
    const guard = setUp();
    let open: (value: unknown) => void = () => {};
    server.gate = new Promise((resolve) => (open = resolve));
    const waiting = outcome(guard, authorization);
    await expect.poll(() => server.asked.length).toBe(1);
    guard.clock.seconds += 6;
    open(undefined);
    expect(await waiting).toBe('accepted');
    guard.clock.seconds += 4;
    await outcome(guard, authorization);
    expect(server.asked).toHaveLength(2);
  });

  test('is asked for once, however many requests wait for it', async () => {
    const { authorization } = issue();
    const guard = setUp();
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => outcome(guard, authorization)));
    expect(new Set(outcomes)).toEqual(new Set(['accepted']));
    expect(server.asked).toHaveLength(1);
  });

  test('is not pushed out by a flood of made-up credentials', async () => {
    const { authorization } = issue();
    const guard = setUp({ maxEntries: 10 });
    await outcome(guard, authorization);
    for (let count = 0; count < 50; count += 1) await outcome(guard, `Bearer made-up-${count}`);
    server.asked.length = 0;
    expect(await outcome(guard, authorization)).toBe('accepted');
    expect(server.asked).toEqual([]);
  });
});

describe('while the authorization server is away', () => {
  const status = (code: number) => (response: ServerResponse) => void response.writeHead(code).end();
  const cases: [string, number, (response: ServerResponse) => void][] = [
    ['it is overloaded', 2, status(503)],
    ['it breaks the connection', 2, (response) => void response.destroy()],
    ['it says nothing', 2, () => {}],
    ['it answers no JSON', 2, (response) => void response.end('<html>')],
    ['it does not know us', 1, status(401)],
    ['it limits us', 1, status(429)],
    ['it sends us elsewhere', 1, (response) => void response.writeHead(307, { location: '/x' }).end()],
    ['it says something else', 1, (response) => void response.end('[]')],
    ['it says too much', 1, (response) => void response.end(' '.repeat(70_000))],
  ];

  test.each(cases)('%s: a 503, after %i attempts', async (_, attempts, disturb) => {
    const { authorization } = issue();
    server.disturb = disturb;
    const guard = setUp({ timeoutMs: 200 });
    const refusal = await refusalOf(guard, { authorization });
    expect(refusal).toMatchObject({ reason: 'introspection_unavailable', status: 503 });
    expect(refusal.headers['Retry-After']).toBe('2');
    expect(refusal.cause).toBeInstanceOf(Error);
    expect(server.asked).toHaveLength(attempts);
    server.disturb = undefined;
    expect(await outcome(guard, authorization)).toBe('accepted');
  });

  test('a failure by accident is made good by the second attempt', async () => {
    const { authorization } = issue();
    server.disturb = (response) => {
      server.disturb = undefined;
      response.destroy();
    };
    expect(await outcome(setUp(), authorization)).toBe('accepted');
  });

  test('what was answered goes on working in its time', async () => {
    const { authorization } = issue();
    const guard = setUp();
    await outcome(guard, authorization);
    await server.close();
    guard.clock.seconds += 9;
    expect(await outcome(guard, authorization)).toBe('accepted');
    guard.clock.seconds += 1;
    expect(await outcome(guard, authorization)).toBe('introspection_unavailable');
  });
});

describe('whoever runs the service is told why the server cannot be asked', () => {
  /** What the hook was told, and the cause that a refusal carries. */
  async function fail(
    disturb: (response: ServerResponse) => void,
    client: Partial<IntrospectionOptions> = {},
  ) {
    const told: Error[] = [];
    server.disturb = disturb;
    const guard = setUp({ onFailure: (error) => told.push(error), timeoutMs: 200, ...client });
    const { cause } = await refusalOf(guard, { authorization: mint().authorization });
    expect(told).toEqual([cause]);
    return told[0];
  }
  const say = (status: number, body?: unknown) => (response: ServerResponse) => {
    response.writeHead(status, { 'Content-Type': 'application/json', location: '/elsewhere' });
    response.end(JSON.stringify(body));
  };

  const cases: [string, (response: ServerResponse) => void][] = [
    ['answered 401 invalid_client: our client id or secret is wrong', say(401, { error: 'invalid_client' })],
    ['answered 403: our client may not introspect', say(403, { error: 'a b\nc' })],
    ['answered 404: is this its introspection endpoint?', say(404)],
    ['answered 421: is this its public URL?', say(421)],
    ['answered 302: it sends us elsewhere, where the credential must not go', say(302)],
    ['answered 503', say(503)],
    ['answered something that is no JSON', (response) => void response.end('<html>')],
    ['did not answer within 200 ms', () => {}],
  ];
  test.each(cases)('it %s', async (words, disturb) => {
    expect((await fail(disturb))?.message).toBe(`${server.endpoint} ${words}`);
  });

  test('by the status and the code as the cause', async () => {
    const error = await fail(say(401, { error: 'invalid_client' }));
    expect(error?.cause).toEqual({ status: 401, error: 'invalid_client' });
  });

  test('by what the network says where nobody listens', async () => {
    await server.close();
    const error = await fail(() => {});
    expect(error?.message).toBe(
      `${server.endpoint} cannot be asked: connect ECONNREFUSED ${new URL(server.endpoint).host}`,
    );
  });

  test('and never of the credential or of our secret', async () => {
    const { authorization, key } = mint();
    const told: string[] = [];
    server.disturb = say(401, { error: 'invalid_client', error_description: key });
    await outcome(
      setUp({ onFailure: (error) => told.push(JSON.stringify([error.message, error])) }),
      authorization,
    );
    expect(told).toHaveLength(1);
    expect(told[0]).not.toContain(key);
    expect(told[0]).not.toContain('a+b/c%');
  });

  test('once a minute, however many requests fail', async () => {
    const told: string[] = [];
    server.disturb = say(401);
    const guard = setUp({ onFailure: (error) => told.push(error.message) });
    for (const seconds of [0, 1, 59, 60, 61]) {
      guard.clock.seconds = NOW + seconds;
      expect(await outcome(guard, mint().authorization)).toBe('introspection_unavailable');
    }
    expect(told).toHaveLength(2);
  });
});

test('a client without endpoint, id or secret is refused when it is made, with everything that is missing', () => {
  expect(() => setUp({ clientId: '', clientSecret: '' })).toThrow(
    new TypeError('introspection needs clientId, clientSecret'),
  );
  const forgotten = process.env.NOT_SET_ANYWHERE as unknown as string;
  expect(() => setUp({ clientSecret: forgotten })).toThrow(/^introspection needs clientSecret$/);
  expect(() => setUp({ endpoint: '' })).toThrow(/^introspection needs endpoint$/);
  expect(() => setUp({ endpoint: 'auth.example.com' })).toThrow(/is no URL: auth.example.com$/);
});

test('a time to remember answers for that is none is refused when the client is made', () => {
  for (const cacheSeconds of [-1, Number.NaN]) expect(() => setUp({ cacheSeconds })).toThrow(RangeError);
});
