import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import type { Bounds } from './conformance/harness.ts';
import { conformance } from './conformance/suite.ts';

const OPTIONS = { lingerMs: 0 };

conformance({ name: 'SQLite in memory', open: (bounds) => openStore(':memory:', { ...OPTIONS, ...bounds }) });

const folder = mkdtempSync(join(tmpdir(), 'carillon-store-'));
const paths = new Map<Store, string>();

async function openFile(path: string, bounds: Bounds = {}): Promise<Store> {
  const store = await openStore(path, { ...OPTIONS, ...bounds });
  paths.set(store, path);
  return store;
}

conformance({
  name: 'SQLite in a file',
  open: (bounds) => openFile(join(folder, `${paths.size}.db`), bounds),
  reopen: async (store, bounds) => {
    await store.close();
    return openFile(paths.get(store)!, bounds);
  },
});

// After the stores in it are closed.
after(() => rmSync(folder, { recursive: true, force: true }));
