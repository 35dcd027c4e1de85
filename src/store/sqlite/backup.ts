import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { BUSY_MS, checkOurs, schemaVersion } from './database.ts';
import { connect, type Database, isDamage, messageOf, pragma } from './driver.ts';
import { create } from './lock.ts';
import { placeOf, refusal } from './place.ts';
import { standbyNote } from './verbs/standing-by.ts';

/** What is in a copy. */
export interface Copied {
  readonly bytes: number;
  readonly webhooks: number;
  readonly waiting: number;
  /** The ids of the keys that open what is sealed in it. */
  readonly sealKeys: readonly string[];
}

/**
 * Copies a database as it is at one moment into a new file, also while a server works on it, which may go on writing. The
 * copy is on standby, as one of `since`. Raises FAILED_PRECONDITION, saying what to do; no half of a copy is left then.
 */
export function backUp(path: string, to: string, since: number): Copied {
  const place = placeOf(path);
  if ((statSync(place, { throwIfNoEntry: false })?.size ?? 0) === 0)
    throw refusal(place, 'is missing or empty; name the database with --db');
  if (statSync(to, { throwIfNoEntry: false }) !== undefined)
    throw refusal(to, 'exists already; give another name to the backup, or remove that file');
  const target = placeOf(to);
  const draft = `${target}.part`;
  rmSync(draft, { force: true });
  try {
    create(draft);
    copyInto(place, draft);
    const copied = finish(draft, since);
    renameSync(draft, target);
    syncFolder(dirname(target));
    return copied;
  } catch (error) {
    rmSync(draft, { force: true });
    rmSync(`${draft}-journal`, { force: true });
    throw error instanceof Error && 'reason' in error
      ? error
      : refusal(place, `cannot be copied to ${to}: ${messageOf(error)}`);
  }
}

/** Raises FAILED_PRECONDITION for a file that is not whole. */
export function checkSound(db: Database, path: string): void {
  let found: string | number | undefined;
  try {
    found = pragma(db, 'integrity_check(1)');
  } catch (error) {
    if (!isDamage(error)) throw error;
    found = messageOf(error);
  }
  if (found !== 'ok') throw refusal(path, `is damaged (${found}); use another copy of it`);
}

/** A file is on disk only when its folder is. Windows can neither open a folder nor needs it. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  sync(path, 'r');
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** One reading transaction: writers go on, and the log cannot be emptied meanwhile. */
function copyInto(place: string, draft: string): void {
  const db = connect(place, BUSY_MS);
  try {
    checkOurs(db, place);
    const version = Number(pragma(db, 'user_version'));
    if (version !== schemaVersion()) {
      const [who, todo] =
        version > schemaVersion()
          ? ['a newer', 'use that one']
          : ['an older', 'start this one on it once, or use that one'];
      throw refusal(place, `was written by ${who} Carillon; ${todo}`);
    }
    db.prepare('VACUUM INTO ?').run(draft);
  } finally {
    db.close();
  }
}

function finish(draft: string, since: number): Copied {
  const db = connect(draft, BUSY_MS);
  let copied: Copied;
  try {
    checkSound(db, draft);
    standbyNote(db)('RESTORED', since);
    const count = (sql: string) => db.prepare<[count: number]>(sql).get()?.[0] ?? 0;
    copied = {
      bytes: statSync(draft).size,
      webhooks: count('SELECT count(*) FROM webhooks WHERE removed_at IS NULL'),
      waiting: count('SELECT count(*) FROM deliveries INDEXED BY deliveries_due WHERE state = 0'),
      sealKeys: db.prepare<[id: string]>('SELECT id FROM seal_keys ORDER BY used_at, id').all().flat(),
    };
  } finally {
    db.close();
  }
  sync(draft, 'r+');
  return copied;
}

function sync(path: string, flags: 'r' | 'r+'): void {
  const file = openSync(path, flags);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
