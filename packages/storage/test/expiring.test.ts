import { expect, test } from 'vitest';
import { createTestClock } from '../src/contract/clock.ts';
import { createExpiringMap } from '../src/memory/expiring.ts';

test('what has expired is swept though nobody asks for it, and what lives is kept', () => {
  const clock = createTestClock();
  const map = createExpiringMap<number>(clock.now);
  for (let index = 0; index < 1000; index += 1) map.set(`short ${index}`, index, 10);
  map.set('long', 1, 100);
  clock.advance(10);
  expect(map.size).toBe(1001);
  map.sweep();
  expect(map.size).toBe(1);
  expect(map.get('long')).toBe(1);
  map.close();
});
