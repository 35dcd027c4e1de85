import { chmodSync, constants, copyFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { checkSound, syncFolder } from './backup.ts';
import { BUSY_MS, checkOurs } from './database.ts';
import { connect, messageOf } from './driver.ts';
import { lock } from './lock.ts';
import { placeOf, refusal } from './place.ts';

/** A backup that is about to take the place of a database, which no server can begin to use meanwhile. */
export interface Restoring {
  /** Where the database is to be, without links. */
  readonly place: string;
  /** The copy of the backup, in a place of its own, to be opened and looked at. */
  readonly draft: string;
  /** Puts the copy in its place. Returns where what was there is now; undefined where nothing was. */
  install(stamp: string): string | undefined;
  /** Leaves nothing behind, unless the copy is in its place. Tolerates being called twice. */
  close(): void;
}

const FILE_MODE = 0o600;
/** What SQLite and we keep beside a database, and goes where that goes. */
const BESIDE = ['', '-wal', '-generation'] as const;

/**
 * Copies a backup to where it can be opened, and proves that it is whole. Raises FAILED_PRECONDITION, saying what to do: for
 * what is no backup, where a server is at work, and, unless told to `replace` it, where there is a database. Nothing is
 * changed then.
 */
export function beginRestore(backup: string, path: string, replace: boolean): Restoring {
  const place = placeOf(path);
  if ((statSync(backup, { throwIfNoEntry: false })?.size ?? 0) === 0)
    throw refusal(backup, 'is missing or empty; name a backup');
  if (placeOf(backup) === place) throw refusal(backup, 'is the database itself; name a backup');
  if (!replace && (statSync(place, { throwIfNoEntry: false })?.size ?? 0) > 0) {
    throw refusal(place, 'exists already; with --replace it is put aside, under another name');
  }
  const held = lock(place);
  const draft = `${place}.restoring`;

  function clear(): void {
    for (const suffix of ['', '-wal', '-shm', '-journal', '-generation', '-lock']) {
      rmSync(`${draft}${suffix}`, { force: true });
    }
  }

  try {
    clear();
    copyFileSync(backup, draft, constants.COPYFILE_EXCL);
    chmodSync(draft, FILE_MODE);
    // One that was copied while it was in use has what was written last in there.
    if (statSync(`${backup}-wal`, { throwIfNoEntry: false })) copyFileSync(`${backup}-wal`, `${draft}-wal`);
    const db = connect(draft, BUSY_MS);
    try {
      checkOurs(db, backup);
      checkSound(db, backup);
    } finally {
      db.close();
    }
  } catch (error) {
    clear();
    held.release();
    throw error instanceof Error && 'reason' in error
      ? error
      : refusal(backup, `cannot be restored: ${messageOf(error)}`);
  }

  let isOpen = true;
  return {
    place,
    draft,
    install(stamp) {
      const aside = `${place}.before-${stamp}`;
      const isThere = statSync(place, { throwIfNoEntry: false }) !== undefined;
      for (const suffix of BESIDE) moveIfThere(`${place}${suffix}`, `${aside}${suffix}`);
      rmSync(`${place}-shm`, { force: true });
      for (const suffix of BESIDE) moveIfThere(`${draft}${suffix}`, `${place}${suffix}`);
      syncFolder(dirname(place));
      return isThere ? aside : undefined;
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      clear();
      held.release();
    },
  };
}

function moveIfThere(from: string, to: string): void {
  if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, to);
}
