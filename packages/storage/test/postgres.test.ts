import { openPostgres } from '@latchkey/storage';
import { describeDurableStorage } from '@latchkey/storage/contract';
import { inject } from 'vitest';
import { createDatabase } from '../../../infra/test/servers.ts';

describeDurableStorage('PostgreSQL', async ({ now }) => {
  const database = await createDatabase(inject('postgresUrl'));
  const storage = openPostgres({ url: database.url, now });
  const peer = openPostgres({ url: database.url, now });
  return {
    storages: [storage, peer],
    async close() {
      await storage.close();
      await peer.close();
      await database.drop();
    },
  };
});
