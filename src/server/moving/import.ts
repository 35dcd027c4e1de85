import { openSealRotation } from '../../control/seal-rotation.ts';
import { DomainError } from '../../domain/error.ts';
import { newestKey, sealKeyId } from '../../domain/seal.ts';
import { createSealKeyring } from '../../domain/seal-keys.ts';
import { MOVED, MOVED_NAMES, MOVED_ROWS, type MovedName, type MovedRow } from '../../store/moved.ts';
import type { Store } from '../../store/store.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Config } from '../config/load.ts';
import { openDatabase } from '../open-database.ts';
import { readKey } from '../secrets-key.ts';
import { shownDatabase } from '../shown-database.ts';
import { beginsKind, type Checked, checkFile } from './check-file.ts';
import { type MovingDeps, movedRows } from './export.ts';
import { createTally, rowOf, rowText, unusable } from './format.ts';
import { readLines } from './read-lines.ts';

export interface Imported {
  readonly since: number;
  readonly rows: Readonly<Record<string, number>>;
  /** Whether a part was there from an import that was broken off. */
  readonly resumed: boolean;
  /** The key that seals everything now, and those that sealed it before. */
  readonly keyId: string;
  readonly olderKeyIds: readonly string[];
  /** What no key opens, and stays as it was. */
  readonly unreadable: number;
}

export interface ImportDeps extends MovingDeps {
  readonly log: Log;
}

/** Bytes of lines that are entered together, once there is one. */
const PART_BYTES = 2 * 1024 * 1024;

/**
 * Enters all that is in an export into the database of a configuration, which has nothing else; seals it by that database's
 * key; and compares what is in it then with the file. It stays on standby. One that was broken off goes on where it was.
 * Raises FAILED_PRECONDITION: for a file that cannot be used, whatever is wrong with it, before anything is changed.
 */
export async function importFile(
  config: Config,
  file: string,
  { fromKeyFile }: { readonly fromKeyFile: string | undefined },
  deps: ImportDeps,
): Promise<Imported> {
  const checked = await checkFile(file, (done, total) => deps.progress('checking', done, total));
  const { header, end } = checked;
  const older = fromKeyFile === undefined ? [] : await keysIn(fromKeyFile);
  const { store, keys, source } = await openDatabase(config, { random: deps.random, warn() {}, tell() {} });
  try {
    const known = new Set(keys.map(sealKeyId));
    const keyring = createSealKeyring([...keys, ...older.filter((key) => !known.has(sealKeyId(key)))]);
    checkKeys(file, header.sealKeys, keyring.all.map(sealKeyId));
    const begun = await store.beginImport({ file: end.sha256, since: header.since });
    if (typeof begun !== 'number') throw notEmpty(config, begun);
    await enter(store, file, checked, begun, deps);
    while (!(await store.finishImport()));
    await compare(store, file, checked, deps);

    await store.noteSealKeys(header.sealKeys);
    const rotation = await openSealRotation({ ...deps, store, keyring, source });
    await rotation.begin();
    while (rotation.status().isRunning) {
      await rotation.tick();
      const { checked: looked, total } = rotation.status();
      deps.progress('sealing', looked, total);
    }
    await store.standBy({ reason: 'IMPORTED', since: header.since });
    const keyId = sealKeyId(newestKey(keyring));
    const olderKeyIds = header.sealKeys.map(({ id }) => id).filter((id) => id !== keyId);
    const { unreadable } = rotation.status();
    return { since: header.since, rows: end.rows, resumed: begun > 0, keyId, olderKeyIds, unreadable };
  } finally {
    await store.close();
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

async function keysIn(path: string): Promise<readonly Uint8Array[]> {
  const found = await readKey(path);
  if (found === undefined) {
    throw new DomainError('SECRETS_KEY_UNUSABLE', `the key file ${path} does not exist; nothing was changed`);
  }
  return found.keys;
}

/** What no key opens could never be sent again. */
function checkKeys(file: string, sealKeys: Checked['header']['sealKeys'], given: readonly string[]): void {
  const missing = sealKeys.map(({ id }) => id).filter((id) => !given.includes(id));
  if (missing.length === 0) return;
  throw new DomainError(
    'SECRETS_KEY_UNUSABLE',
    `the secrets in ${file} are sealed with ${missing.length === 1 ? 'the key' : 'the keys'} ${missing.join(', ')}, and ` +
      `given are ${given.join(', ')}: name the key file of the database that was exported with --from-key-file; nothing was changed`,
  );
}

function notEmpty(config: Config, why: 'FILLED' | 'OTHER'): DomainError {
  const shown = shownDatabase(config);
  return new DomainError(
    'IMPORT_UNUSABLE',
    why === 'FILLED'
      ? `${shown} is not empty: an import takes a database in which nothing was ever registered, published or changed; nothing was changed`
      : `${shown} has a part of another export; finish that import, or give an empty database; nothing was changed`,
  );
}

/** Enters the lines that are not in yet, part by part. */
async function enter(
  store: Store,
  file: string,
  { end, lines: total }: Checked,
  begun: number,
  { progress }: MovingDeps,
): Promise<void> {
  let kind: MovedName | undefined;
  let rows: MovedRow[] = [];
  let bytes = 0;
  let at = 0;
  let entered = begun;

  async function flush(): Promise<void> {
    if (kind === undefined || rows.length === 0) return;
    const to = await store.importRows({ file: end.sha256, kind, rows, from: entered, to: at });
    if (to !== at) throw unusable(file, 'is being imported by somebody else');
    entered = at;
    rows = [];
    bytes = 0;
    progress('importing', entered, total);
  }

  for await (const line of readLines(file, () => {})) {
    const text = line.toString('utf8');
    const next = text.startsWith('{') ? beginsKind(text) : undefined;
    if (text.startsWith('{')) {
      await flush();
      kind = next;
    }
    at++;
    if (text.startsWith('{') || at <= entered || kind === undefined) continue;
    rows.push(rowOf(MOVED[kind], text));
    bytes += line.length;
    if (rows.length >= MOVED_ROWS || bytes >= PART_BYTES) await flush();
  }
  await flush();
}

/** Reads everything once more, and compares it with the file. */
async function compare(
  store: Store,
  file: string,
  { end }: Checked,
  { progress }: MovingDeps,
): Promise<void> {
  const total = Object.values(end.rows).reduce((sum, count) => sum + count, 0);
  let done = 0;
  for (const name of MOVED_NAMES) {
    const tally = createTally();
    for await (const rows of movedRows(store, name, true)) {
      for (const row of rows) tally.add(rowText(row));
      done += rows.length;
      progress('comparing', done, total);
    }
    if (tally.count() === end.rows[name] && tally.digest() === end.digests[name]) continue;
    throw new DomainError(
      'IMPORT_UNUSABLE',
      `what came in of ${file} is not what is in it: ${name} has ${tally.count()} rows of ${end.rows[name]}, or others; ` +
        'give an empty database and import once more, and report this',
    );
  }
}
