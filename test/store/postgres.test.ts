import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { aSchemaUrl } from '../support/postgres.ts';
import type { Bounds } from './conformance/harness.ts';
import { conformance } from './conformance/suite.ts';

const urls = new Map<Store, string>();

async function openUrl(url: string, bounds: Bounds = {}): Promise<Store> {
  const store = await openStore(url, bounds);
  urls.set(store, url);
  return store;
}

conformance({
  name: 'PostgreSQL',
  open: async (bounds) => openUrl(await aSchemaUrl(), bounds),
  reopen: async (store, bounds) => {
    await store.close();
    return openUrl(urls.get(store)!, bounds);
  },
});
