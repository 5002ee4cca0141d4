import { openPglite } from '@latchkey/storage';
import { describeDurableStorage } from '@latchkey/storage/contract';

describeDurableStorage('PGlite', async ({ now }) => {
  const storage = await openPglite({ now });
  return { storages: [storage, storage], close: () => storage.close() };
});
