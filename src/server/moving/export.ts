import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '../../domain/clock.ts';
import { DomainError } from '../../domain/error.ts';
import type { Random } from '../../domain/random.ts';
import { sealKeyId } from '../../domain/seal.ts';
import { MOVED_NAMES } from '../../store/moved.ts';
import type { ExportPart, Store } from '../../store/store.ts';
import type { Config } from '../config/load.ts';
import { openDatabase } from '../open-database.ts';
import { syncFolder } from '../secrets-key.ts';
import { VERSION } from '../version.ts';
import { createTallies, endOf, FORMAT, type Header, kindLine, rowText } from './format.ts';

export interface Exported {
  readonly since: number;
  readonly rows: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** The ids of the keys that open what is sealed in it. */
  readonly sealKeys: readonly string[];
}

export interface MovingDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Told how far it is. */
  readonly progress: (step: string, done: number, total: number) => void;
}

/** Little is gained by more, and it would take several times as long. */
const GZIP_LEVEL = 3;
const FILE_MODE = 0o600;

/**
 * Writes all that a database has into a file, sealed as it is. No server can work on it meanwhile. Raises
 * FAILED_PRECONDITION; no half of a file is left then.
 */
export async function exportDatabase(
  config: Config,
  to: string,
  { history }: { readonly history: boolean },
  deps: MovingDeps,
): Promise<Exported> {
  if ((await stat(to).catch(() => undefined)) !== undefined) {
    throw new DomainError(
      'DATABASE_UNUSABLE',
      `${to} exists already; give another name, or remove that file`,
    );
  }
  await checkIsThere(config);
  const { store, keys } = await openDatabase(config, { random: deps.random, warn() {}, tell() {} });
  const draft = `${to}.part`;
  try {
    await checkIsWhole(store);
    const noted = await store.listSealKeys();
    const since = deps.clock.now();
    // A database of before notes its keys when a server starts on it.
    const sealKeys = noted.length > 0 ? noted : keys.map((key) => ({ id: sealKeyId(key), usedAt: since }));
    const header: Header = {
      ...{ carillon: 'export', format: FORMAT, version: VERSION },
      ...{ since, history, sealKeys },
    };
    const counts = await store.beginExport(history);
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const tallies = createTallies();
    await rm(draft, { force: true });
    await pipeline(
      Readable.from(
        lines(store, header, tallies, (done) => deps.progress('exporting', done, total)),
        {
          objectMode: true,
        },
      ),
      createGzip({ level: GZIP_LEVEL }),
      createWriteStream(draft, { mode: FILE_MODE, flags: 'wx' }),
    );
    const file = await open(draft, 'r+');
    await file.sync();
    const { size } = await file.stat();
    await file.close();
    await rename(draft, to);
    await syncFolder(dirname(resolve(to)));
    const rows = Object.fromEntries(MOVED_NAMES.map((name) => [name, tallies[name].count()]));
    return { since, rows, bytes: size, sealKeys: sealKeys.map(({ id }) => id) };
  } finally {
    await rm(draft, { force: true });
    await store.close();
  }
}

/** Each row of a store, a part at a time, once for each kind. */
export async function* movedRows(
  store: Pick<Store, 'exportPart'>,
  kind: (typeof MOVED_NAMES)[number],
  history: boolean,
): AsyncGenerator<ExportPart['rows']> {
  let after: ExportPart['next'] | undefined;
  do {
    const part: ExportPart = await store.exportPart({ kind, history, after: after ?? undefined });
    if (part.rows.length > 0) yield part.rows;
    after = part.next;
  } while (after !== null);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

async function* lines(
  store: Store,
  header: Header,
  tallies: ReturnType<typeof createTallies>,
  tell: (done: number) => void,
): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const written = (text: string): string => {
    hash.update(text);
    return text;
  };
  yield written(`${JSON.stringify(header)}\n`);
  let done = 0;
  for (const name of MOVED_NAMES) {
    yield written(`${JSON.stringify(kindLine(name))}\n`);
    for await (const rows of movedRows(store, name, header.history)) {
      const texts = rows.map(rowText);
      for (const text of texts) tallies[name].add(text);
      yield written(`${texts.join('\n')}\n`);
      done += rows.length;
      tell(done);
    }
  }
  yield `${JSON.stringify(endOf(tallies, hash))}\n`;
}

/** Nothing is made where there is none, as a start would. */
async function checkIsThere({ store, db }: Config): Promise<void> {
  if (store !== undefined) return;
  const size = (await stat(db).catch(() => undefined))?.size ?? 0;
  if (size > 0) return;
  throw new DomainError(
    'DATABASE_UNUSABLE',
    `${db} is missing or empty; name the database with --db or --store`,
  );
}

async function checkIsWhole(store: Store): Promise<void> {
  if ((await store.getStandby())?.reason !== 'IMPORTING') return;
  throw new DomainError(
    'DATABASE_UNUSABLE',
    'an import into this database was broken off, so it has a part only; run carillon import again first',
  );
}
