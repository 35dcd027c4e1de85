import { closeSync, fstatSync, openSync, readSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { FINISHING, READS, type Verb } from '../calls/shapes.ts';
import type { DatabaseFile, OpenDatabase } from './database.ts';
import { isDamage, isDiskFailure, isShortage, messageOf } from './driver.ts';

/**
 * Whether the database can keep what it is given. SQLite does not notice when its file was deleted or replaced: it goes on
 * writing to what nobody can find any more.
 */
export interface Custody {
  /** Looks once for a group of calls. Returns what says why a verb must not be run now; undefined if it may. */
  judge(): (verb: Verb) => string | undefined;
  /** Takes note of a commit. Returns why what it wrote will not be found again; undefined if it will. */
  committed(): string | undefined;
  /** Takes note that the log was emptied: without the log that begins now, the file is to be known as old. */
  emptied(): void;
  /** Takes note of what the database has refused. */
  failed(error: unknown): void;
  /** Looks, tries what can be tried, and returns what is wrong; undefined if nothing is. About once a second. */
  checkUp(): string | undefined;
  /** To be called after the database was closed: before that, it would lose its locks by it. */
  close(): void;
}

export interface CustodyDeps {
  /** Bytes that are free where a file is. */
  readonly free: (path: string) => number;
}

/** With less than this, it is tried whether anything can be written, whether or not anybody wants to write. */
const ROOM_BYTES = 1024 * 1024;
/** Check-ups in which something was written, from one time that the database counts on to the next: about a minute. */
const CHECKS_PER_RAISE = 60;
/** The first bytes of a file of SQLite: https://www.sqlite.org/fileformat.html, 1.3. */
const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;
const PAGE_SIZE_AT = 16;
const PAGE_COUNT_AT = 28;

export function createCustody(
  { file }: Pick<OpenDatabase, 'file'>,
  { free }: CustodyDeps = { free: freeBytes },
): Custody {
  if (file === undefined) return { ...NOTHING };
  const fd = openSync(file.path, 'r');
  const wal = `${file.path}-wal`;
  const own = idOf(file.path);
  let ownLog = idOf(wal);
  /** Whether the file is not what was written. That does not mend by itself. */
  let damage: string | undefined;
  /** Why nothing could be written, the last time. */
  let shortage: string | undefined;
  let written = false;
  let checks = 0;
  /** Whether the log was emptied, and nothing was counted since then. */
  let isEmptied = false;

  /** Whether the files at our paths are not those that we write to. */
  function gone(): string | undefined {
    const now = idOf(file!.path);
    if (now !== own) return whyMissing(file!, now);
    return idOf(wal) === ownLog
      ? undefined
      : `the log ${wal} of the database was deleted or replaced; what was written is in the database once this process is stopped`;
  }

  /** What was written last is in a log that nobody finds: it is written back, and a log begun anew. */
  function renewLog(): void {
    try {
      file!.renewLog();
      file!.raise();
      ownLog = idOf(wal);
    } catch (error) {
      if (isDiskFailure(error)) throw error;
      failed(error);
    }
  }

  function failed(error: unknown): void {
    if (isDamage(error)) damage = `the database is damaged: ${messageOf(error)}; restore it from a backup`;
    else if (isShortage(error)) shortage = `nothing can be written: ${messageOf(error)}`;
  }

  /** Whether the file has been overwritten or cut. */
  function look(): void {
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(fd, header, 0, HEADER_BYTES, 0);
    const size = header.readUInt16BE(PAGE_SIZE_AT) * header.readUInt32BE(PAGE_COUNT_AT);
    if (header.toString('latin1', 0, MAGIC.length) === MAGIC && fstatSync(fd).size >= size) return;
    damage = 'the database is damaged: its file was overwritten or cut; restore it from a backup';
  }

  /** Counts on, which is a small write. */
  function raise(): void {
    checks = 0;
    written = false;
    isEmptied = false;
    try {
      file!.raise();
      shortage = undefined;
    } catch (error) {
      if (isDiskFailure(error)) throw error;
      shortage = `nothing can be written: ${messageOf(error)}`;
      failed(error);
    }
  }

  return {
    judge() {
      const lost = gone();
      const refused = damage ?? shortage;
      return (verb) => {
        if (READS.has(verb) || verb === 'checkUp') return undefined;
        return lost ?? (FINISHING.has(verb) ? undefined : refused);
      };
    },
    committed() {
      written = true;
      if (isEmptied && gone() === undefined) raise();
      return gone();
    },
    emptied() {
      isEmptied = true;
    },
    failed,
    checkUp() {
      look();
      if (idOf(file.path) === own && idOf(wal) === undefined) renewLog();
      checks++;
      if (gone() === undefined && damage === undefined && isDue(free(file.path) < ROOM_BYTES)) {
        raise();
        if (file.isUnshared() && shortage === undefined) renewLog();
      }
      return gone() ?? damage ?? shortage;
    },
    close: () => closeSync(fd),
  };

  /** Whether to write something, to see whether it can be written or to count on. Where there is no room, once is enough. */
  function isDue(isFull: boolean): boolean {
    if (shortage !== undefined) return !isFull;
    return isFull || (written && checks >= CHECKS_PER_RAISE);
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** Memory is lost to nobody. */
const NOTHING: Custody = {
  judge: () => () => undefined,
  committed: () => undefined,
  emptied: () => {},
  failed: () => {},
  checkUp: () => undefined,
  close: () => {},
};

/** Which file is at a path. The number of one that is open is given to no other. */
function idOf(path: string): bigint | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
  } catch {
    // Such as where the folder may not be entered any more.
    return undefined;
  }
}

function whyMissing({ path }: DatabaseFile, now: bigint | undefined): string {
  return now === undefined
    ? `the database file ${path} was moved or deleted while it was in use; move it back, or save what it holds before this process ends`
    : `another file was put in the place of the database ${path} while it was in use; move that one back`;
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(dirname(path));
  return bavail * bsize;
}
