import { closeSync, openSync, statSync } from 'node:fs';
import { connect, type Database, isBusy, isShortage, messageOf, pragma } from './driver.ts';
import { refusal } from './place.ts';

/** Only the account that runs the server may read what it keeps. */
const FILE_MODE = 0o600;
/** How long to wait for the lock: if two processes start at once, one of them must get it. */
const LOCK_WAIT_MS = 200;
/** What an inode is called where there is no file. */
const NO_INODE = 'none';

export interface Lock {
  /** Which file holds the lock. */
  readonly inode: string;
  release(): void;
}

/** Creates the file with our mode; SQLite gives its log and index the mode of the file. */
export function create(path: string): void {
  // Never opens a file that exists: closing it again would drop this process's POSIX locks on it.
  try {
    closeSync(openSync(path, 'wx', FILE_MODE));
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}

/** Names a file, by whatever path it is reached. */
export function inodeOf(path: string): string {
  return String(statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? NO_INODE);
}

/**
 * Holds a write transaction on a database of its own beside the file, which the operating system ends
 * when the process does, however it ends. A lock in the file itself would keep the `sqlite3` shell from
 * reading it; a file with a process id in it outlives a kill and may name a stranger. The transaction is
 * IMMEDIATE and not EXCLUSIVE, so that a process that is refused can still read which one holds it.
 *
 * It needs no space: on a full disk it is held without a process id in it, and where not even its file can be made,
 * the inode is `NO_INODE`, for which `claim` in `identity.ts` makes up.
 */
export function lock(path: string): Lock {
  const lockPath = `${path}-lock`;
  let db: Database | undefined;
  try {
    create(lockPath);
    db = connect(lockPath, LOCK_WAIT_MS);
    // Nothing in it is worth an fsync: what counts is the operating system's lock.
    db.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY');
    db.exec('BEGIN IMMEDIATE');
    noteProcess(db);
    const held = db;
    return { inode: inodeOf(lockPath), release: () => held.close() };
  } catch (error) {
    if (hasCode(error, 'ENOSPC')) return { inode: NO_INODE, release: () => {} };
    const busy = isBusy(error);
    const holder = busy && db ? holderOf(db) : 0;
    db?.close();
    if (!busy) throw refusal(path, `cannot be locked by way of ${lockPath}: ${messageOf(error)}`);
    throw refusal(
      path,
      `is in use by another Carillon${holder > 0 ? ` (process ${holder})` : ''}; ` +
        'stop that one first, or give this one a file of its own',
    );
  }
}

/** Writes which process holds the lock, if there is space for it, and holds it anew. */
function noteProcess(db: Database): void {
  try {
    db.exec(`PRAGMA user_version = ${process.pid}`);
    db.exec('COMMIT');
  } catch (error) {
    if (!isShortage(error)) throw error;
    try {
      db.exec('ROLLBACK');
    } catch {
      // SQLite has done it by itself.
    }
  }
  db.exec('BEGIN IMMEDIATE');
}

function holderOf(db: Database): number {
  try {
    return Number(pragma(db, 'user_version') ?? 0);
  } catch {
    return 0;
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
