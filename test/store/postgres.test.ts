import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { aSchemaUrl } from '../support/postgres.ts';
import { T0 } from '../support/store.ts';
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
  // With tables for the days in which everything here happens.
  open: async (bounds) => {
    const store = await openUrl(await aSchemaUrl(), bounds);
    await store.tidy({ now: T0, finishedBefore: 0 });
    return store;
  },
  reopen: async (store, bounds) => {
    await store.close();
    return openUrl(urls.get(store)!, bounds);
  },
});
