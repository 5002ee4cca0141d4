import { afterAll, beforeAll } from 'vitest';
import { startAuth, type TestAuth } from './auth-server.ts';
import { type Records, type RegisteredClient, seed } from './records.ts';
import { openStores, type TestStores } from './stores.ts';

export interface Scene {
  stores: TestStores;
  auth: TestAuth;
  records: Records;
  /** A confidential web client with every grant type. */
  client: RegisteredClient;
}

/** Servers over stores of their own, for the tests of one file. */
export function useScene(
  options: { instances?: number; now?: () => Date; logs?: { write(line: string): void } } = {},
): Scene {
  const scene = {} as Scene;
  beforeAll(async () => {
    scene.stores = await openStores(options.now);
    scene.auth = await startAuth({ ...scene.stores, ...options });
    scene.records = await seed(scene.stores.durable, scene.auth.config.pepper);
    scene.client = await scene.records.addClient();
  });
  afterAll(async () => {
    await scene.auth?.close();
    await scene.stores?.close();
  });
  return scene;
}
