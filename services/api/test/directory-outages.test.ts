import { StorageUnavailableError } from '@latchkey/storage';
import { describe, expect, test } from 'vitest';
import { BEGUN, MAX_AGE, MINUTE, scene, settled } from './slow-table.ts';

describe('the look at the changes', () => {
  test('finds what nobody announced', async () => {
    const { directory, table, next, know, changes } = scene();
    await know('a', 'valid');
    table.set('a', 'revoked');
    changes(['a', 'not-known-here']);
    const done = directory.reread();
    await settled();
    const query = next();
    expect(query.ids).toEqual(['a']);
    await query.answer();
    await done;
    expect(directory.find('a')).toEqual({ text: 'revoked' });
  });

  test('reads a changed record by a query that is sent after the change was seen', async () => {
    const { directory, table, next, changes } = scene();
    table.set('a', 'valid');
    const found = directory.find('a');
    table.set('a', 'revoked');
    changes(['a']);
    void directory.reread();
    await settled();
    await next().answer();
    await next().answer();
    expect(await found).toEqual({ text: 'revoked' });
  });

  test('goes back a minute before the last one that succeeded', async () => {
    const { directory, asked, pass } = scene();
    await directory.reread();
    pass(10_000);
    await directory.reread();
    pass(10_000);
    await directory.reread();
    expect(asked.map((since) => since.getTime() - BEGUN)).toEqual([-MINUTE, -MINUTE, 10_000 - MINUTE]);
  });

  test('of a made-up id that exists now: it is asked for again', async () => {
    const { directory, table, next, changes } = scene();
    directory.find('x');
    await next().answer();
    table.set('x', 'made');
    changes(['x']);
    await directory.reread();
    const found = directory.find('x');
    await next().answer();
    expect(await found).toEqual({ text: 'made' });
  });

  test('misses what is deleted: a record in use is read again after a minute, behind the request', async () => {
    const { directory, table, next, know, pass, queries } = scene();
    await know('a', 'valid');
    table.delete('a');
    pass(MINUTE - 1);
    directory.find('a');
    expect(queries).toEqual([]);
    pass(1);
    expect(directory.find('a')).toEqual({ text: 'valid' });
    expect(directory.find('a')).toEqual({ text: 'valid' });
    expect(queries).toHaveLength(1);
    await next().answer();
    expect(directory.find('a')).toBeUndefined();
  });
});

describe('with the store away', () => {
  test('what is known goes on for fifteen minutes since the last look at the changes, and then is refused', async () => {
    const { directory, know, pass, next } = scene();
    await know('a', 'valid');
    pass(MAX_AGE);
    expect(directory.find('a')).toEqual({ text: 'valid' });
    await next().fail();
    pass(1);
    const found = directory.find('a');
    const refused = expect(found).rejects.toThrow(StorageUnavailableError);
    await next().fail();
    await refused;
  });

  test('what is not known is refused, and nobody waits for a second failure', async () => {
    const { directory, next, queries } = scene();
    const answers = ['a', 'b', 'c'].map((id) => Promise.resolve(directory.find(id)));
    const outcomes = Promise.allSettled(answers);
    await next().fail();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(queries).toEqual([]);
  });

  test('a look that fails is reported, and the next one goes as far back', async () => {
    const { directory, failures, next, know, changes, asked, pass } = scene();
    await know('a', 'valid');
    changes(['a']);
    const done = directory.reread();
    await settled();
    await next().fail();
    await done;
    expect(failures).toEqual([expect.any(StorageUnavailableError)]);
    changes([]);
    pass(10_000);
    await directory.reread();
    expect(asked[1]).toEqual(asked[0]);
  });

  test('it is found again once it is back', async () => {
    const { directory, table, next } = scene();
    const failed = Promise.resolve(directory.find('a')).catch((error: unknown) => error);
    await next().fail();
    expect(await failed).toBeInstanceOf(StorageUnavailableError);
    table.set('a', 'valid');
    const found = directory.find('a');
    await next().answer();
    expect(await found).toEqual({ text: 'valid' });
  });
});
