import { StorageUnavailableError } from '@latchkey/storage';
import { describe, expect, test } from 'vitest';
import { MINUTE, scene, settled } from './slow-table.ts';

describe('what is known', () => {
  test('is answered without a promise and without a query, by the same object', async () => {
    const { directory, queries, know } = scene();
    const first = await know('a', 'one');
    expect(directory.find('a')).toBe(first);
    expect(directory.find('a')).toEqual({ text: 'one' });
    expect(queries).toEqual([]);
  });

  test('stays the same object when it is read again and nothing about it changed', async () => {
    const { directory, next, know } = scene();
    const first = await know('a', 'one');
    directory.outdate('a');
    await next().answer();
    expect(directory.find('a')).not.toBe(first);
    const second = directory.find('a');
    directory.suspectAll();
    const again = directory.find('a');
    await next().answer();
    expect(await again).toBe(second);
  });

  test('and was not asked for in two minutes is read before it counts: it may have been deleted unheard', async () => {
    const { directory, table, next, know, pass } = scene();
    await know('a', 'one');
    table.delete('a');
    pass(2 * MINUTE);
    await directory.reread();
    const found = directory.find('a');
    await next().answer();
    expect(await found).toBeUndefined();
  });

  test('stands in at once, however long it was not asked for, while the store is away', async () => {
    const { directory, queries, know, pass } = scene();
    await know('a', 'one');
    pass(3 * MINUTE);
    expect(directory.find('a')).toEqual({ text: 'one' });
    expect(queries.map(({ ids }) => ids)).toEqual([['a']]);
  });

  test('is bounded, and what is in use stays', async () => {
    const { directory, know } = scene({ capacity: 10 });
    await know('used', 'yes');
    for (let index = 0; index < 50; index += 1) {
      await know(`key_${index}`, 'x');
      directory.find('used');
    }
    expect(directory.size).toBeLessThanOrEqual(10);
    expect(directory.find('used')).toEqual({ text: 'yes' });
  });
});

describe('ids that nothing is known of', () => {
  test('a thousand at once cost two queries: those that come during the first wait for the second', async () => {
    const { directory, queries, next } = scene();
    const answers = Array.from({ length: 1_000 }, (_, index) => directory.find(`made-up-${index}`));
    expect(queries.map(({ ids }) => ids.length)).toEqual([1]);
    await next().answer();
    expect(queries.map(({ ids }) => ids.length)).toEqual([999]);
    await next().answer();
    expect(new Set(await Promise.all(answers))).toEqual(new Set([undefined]));
  });

  test('many callers of one id share its query', async () => {
    const { directory, table, queries, next } = scene();
    table.set('a', 'one');
    const answers = Array.from({ length: 50 }, () => directory.find('a'));
    await next().answer();
    expect(queries).toEqual([]);
    expect(new Set((await Promise.all(answers)).map((found) => found?.text))).toEqual(new Set(['one']));
  });

  test('are answered from memory for five seconds, then asked for again', async () => {
    const { directory, next, queries, pass } = scene();
    const first = directory.find('x');
    await next().answer();
    expect(await first).toBeUndefined();
    pass(4_999);
    expect(directory.find('x')).toBeUndefined();
    expect(queries).toEqual([]);
    pass(1);
    expect(directory.find('x')).toBeInstanceOf(Promise);
  });

  test('that are made meanwhile are found at once when that is announced', async () => {
    const { directory, table, next } = scene();
    directory.find('x');
    await next().answer();
    table.set('x', 'made');
    directory.outdate('x');
    const found = directory.find('x');
    await next().answer();
    expect(await found).toEqual({ text: 'made' });
  });
});

describe('a change that is announced', () => {
  test('of a known record: the old one is not answered from then on', async () => {
    const { directory, table, next, know } = scene();
    await know('a', 'valid');
    table.set('a', 'revoked');
    directory.outdate('a');
    const found = directory.find('a');
    expect(found).toBeInstanceOf(Promise);
    await next().answer();
    expect(await found).toEqual({ text: 'revoked' });
  });

  test('while the record is being read: the answer under way is thrown away and the record read again', async () => {
    const { directory, table, queries, next } = scene();
    table.set('a', 'valid');
    const found = directory.find('a');
    // The query has read `valid` already; now the key is revoked and everybody is told.
    table.set('a', 'revoked');
    directory.outdate('a');
    await next().answer();
    expect(queries.map(({ ids }) => ids)).toEqual([['a']]);
    await next().answer();
    expect(await found).toEqual({ text: 'revoked' });
    expect(directory.find('a')).toEqual({ text: 'revoked' });
  });

  test('while it is being read, to somebody who asks after the announcement: never the answer under way', async () => {
    const { directory, table, next } = scene();
    table.set('a', 'valid');
    const before = directory.find('a');
    table.set('a', 'revoked');
    directory.outdate('a');
    const after = directory.find('a');
    await next().answer();
    await next().answer();
    expect([await before, await after]).toEqual([{ text: 'revoked' }, { text: 'revoked' }]);
  });

  test('in the very turn in which the answer arrives: what was read is not kept', async () => {
    const { directory, table, next } = scene();
    table.set('a', 'valid');
    directory.find('a');
    const query = next();
    table.set('a', 'revoked');
    // Announced by a task that runs between the arrival of the answer and those who wait for it.
    queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => directory.outdate('a'))));
    await query.answer();
    await settled();
    const found = directory.find('a');
    await next().answer();
    expect(await found).toEqual({ text: 'revoked' });
  });

  test('of a record that is in no query and not known costs nothing', () => {
    const { directory, queries } = scene();
    directory.outdate('a');
    expect(queries).toEqual([]);
  });
});

describe('a gap in the announcements', () => {
  test('has each record read again before it is answered', async () => {
    const { directory, table, next, know } = scene();
    await know('a', 'valid');
    table.set('a', 'revoked');
    directory.suspectAll();
    const found = directory.find('a');
    expect(found).toBeInstanceOf(Promise);
    await next().answer();
    expect(await found).toEqual({ text: 'revoked' });
  });

  test('while a record is being read has it read again', async () => {
    const { directory, table, next } = scene();
    table.set('a', 'valid');
    const found = directory.find('a');
    table.set('a', 'revoked');
    directory.suspectAll();
    await next().answer();
    await next().answer();
    expect(await found).toEqual({ text: 'revoked' });
  });

  test('with the store away: what was known stands in, and is read again later', async () => {
    const { directory, table, next, know, pass, queries } = scene();
    await know('a', 'valid');
    directory.suspectAll();
    const found = directory.find('a');
    await next().fail();
    expect(await found).toEqual({ text: 'valid' });
    expect(directory.find('a')).toEqual({ text: 'valid' });
    expect(queries).toEqual([]);
    table.set('a', 'revoked');
    pass(5_000);
    directory.find('a');
    await next().answer();
    expect(directory.find('a')).toEqual({ text: 'revoked' });
  });

  test('with the store away, a record whose change was announced does not stand in', async () => {
    const { directory, next, know } = scene();
    await know('a', 'valid');
    directory.suspectAll();
    const found = directory.find('a');
    const refused = expect(found).rejects.toThrow(StorageUnavailableError);
    directory.outdate('a');
    await next().fail();
    await refused;
  });
});
