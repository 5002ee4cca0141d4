import { createLogger } from '@latchkey/service';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createReporterKeys, type ReporterKeys } from '../src/leaks/reporter-keys.ts';
import { type LeakReporter, startLeakReporter } from './support/leak-reporter.ts';

const HOUR_MS = 3_600_000;

let reporter: LeakReporter;
let only: string;
let keys: ReporterKeys;
let at: number;
beforeEach(async () => {
  reporter = await startLeakReporter();
  only = reporter.addKey();
  at = 0;
  const logger = createLogger({ service: 'auth', level: 'silent' });
  keys = createReporterKeys({ url: reporter.url, logger, now: () => new Date(at) });
});
afterEach(() => reporter.close());

test('keys that are all gone at once are taken for a fault of the list', async () => {
  expect(await keys.find(only)).toBeDefined();
  reporter.withdraw(only);
  at += HOUR_MS + 1;
  await expect(keys.find(only)).rejects.toMatchObject({ code: 'temporarily_unavailable' });
});

/** How often the reporter is asked in an hour in which somebody names another unknown key every five seconds. */
async function readsInAnHour(): Promise<number> {
  const before = reporter.reads;
  for (const end = at + HOUR_MS; at < end; at += 5_000) await keys.find(`of-nobody-${at}`).catch(() => {});
  return reporter.reads - before;
}

test('strangers cost the reporter a request a quarter of an hour', async () => {
  expect(await readsInAnHour()).toBeLessThanOrEqual(4);
});

test('while the list is not to be had, it is asked for less and less, and as ever once it is back', async () => {
  reporter.away = true;
  expect(await readsInAnHour()).toBeLessThanOrEqual(10);
  expect(await readsInAnHour()).toBeLessThanOrEqual(4);
  reporter.away = false;
  at += HOUR_MS / 4;
  expect(await keys.find(only)).toBeDefined();
});
