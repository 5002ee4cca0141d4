import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { HttpError, parseJson } from '../src/index.ts';

test('malformed JSON is refused without quoting it, in the cause neither: it may hold a secret', () => {
  let refusal: unknown;
  try {
    parseJson('{"client_secret":hunter2}', { headers: { Pragma: 'no-cache' } });
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(HttpError);
  expect(refusal).toMatchObject({
    code: 'invalid_request',
    description: 'The body is not valid JSON',
    headers: { Pragma: 'no-cache' },
  });
  expect(inspect(refusal)).toContain('not JSON');
  expect(inspect(refusal)).not.toMatch(/hunter2|client_secret/);
});
