import { randomBytes } from 'node:crypto';
import { rotateSigningKey, StateError } from '@latchkey/registry';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRegistry, inSeconds, type Registry } from './registry.ts';

const ENCRYPTION_KEY = randomBytes(32);
const HOUR = 3600;

let registry: Registry;
beforeAll(async () => {
  registry = await createRegistry();
});
afterAll(() => registry?.close());
beforeEach(async () => {
  const { signingKeys } = registry.durable;
  for (const { kid } of await signingKeys.list()) await signingKeys.retire(kid, registry.operator.now());
});

const rotate = (activateAfterSeconds: number, emergency = false, encryptionKey = ENCRYPTION_KEY) =>
  rotateSigningKey(registry.operator, encryptionKey, { algorithm: 'ES256', activateAfterSeconds, emergency });
const endsOf = async (...kids: string[]) => {
  const keys = await registry.durable.signingKeys.listAll();
  return kids.map((kid) => keys.find((key) => key.kid === kid)?.retiredAt);
};

describe('an emergency rotation with a delay', () => {
  it('drops a key that waits for good, although it would have become active meanwhile', async () => {
    const signing = await rotate(HOUR);
    const waiting = await rotate(600);
    const droppedAt = registry.operator.now();
    const successor = await rotate(1_200, true);
    const end = inSeconds(registry, 1_200);
    expect(await endsOf(waiting.kid, signing.kid)).toEqual([droppedAt, end]);
    registry.pass(600);
    const kids = (await registry.durable.signingKeys.list()).map(({ kid }) => kid);
    expect(kids).toEqual([signing.kid, successor.kid]);
  });

  it('shortens every end that is later, and puts none off', async () => {
    const first = await rotate(HOUR);
    const second = await rotate(600);
    registry.pass(600);
    const soon = inSeconds(registry, 300);
    await registry.durable.signingKeys.retire(first.kid, soon);
    await rotate(1_200, true);
    expect(await endsOf(first.kid, second.kid)).toEqual([soon, inSeconds(registry, 1_200)]);
  });
});

describe('a rotation under another encryption key than the published keys are sealed with', () => {
  it.each([false, true])('is refused and changes nothing (emergency: %s)', async (emergency) => {
    await rotate(HOUR);
    const before = await registry.durable.signingKeys.listAll();
    await expect(rotate(600, emergency, randomBytes(32))).rejects.toThrow(StateError);
    expect(await registry.durable.signingKeys.listAll()).toEqual(before);
  });
});
