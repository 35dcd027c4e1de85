import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { conformance } from './conformance/suite.ts';

const OPTIONS = { lingerMs: 0 };

conformance({ name: 'SQLite in memory', open: () => openStore(':memory:', OPTIONS) });

const folder = mkdtempSync(join(tmpdir(), 'carillon-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const paths = new Map<Store, string>();

async function openFile(path: string): Promise<Store> {
  const store = await openStore(path, OPTIONS);
  paths.set(store, path);
  return store;
}

conformance({
  name: 'SQLite in a file',
  open: () => openFile(join(folder, `${paths.size}.db`)),
  reopen: async (store) => {
    await store.close();
    return openFile(paths.get(store)!);
  },
});
