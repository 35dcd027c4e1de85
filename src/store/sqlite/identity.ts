import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { systemRandom } from '../../domain/random.ts';
import { as, field, integer, layout, orNull, type RowOf, text } from '../rows/layout.ts';
import { type Database, isBusy, pragma } from './driver.ts';
import { hasCode, inodeOf, type Lock } from './lock.ts';
import { refusal } from './place.ts';

/** What a database says of itself, as it was written by the last process that had it. */
const IDENTITY = layout(
  field('one', as<1>()),
  field('id', text),
  field('generation', integer),
  field('cookie', orNull(integer)),
  field('inode', text),
  field('lockInode', text),
  field('path', text),
);
type IdentityRow = RowOf<typeof IDENTITY>;
const { at } = IDENTITY;

/** How long to wait for others to let go of the file: more for one of two that start at once. */
const ALONE_WAIT_MS = 200;
const ALONE_WAIT_SPREAD_MS = 200;
const ID_BYTES = 16;
const FILE_MODE = 0o600;

/** What was found at a path before SQLite opened it, and may have changed it. */
export interface Found {
  readonly path: string;
  /** Whether there is a database; one that was just made is empty. */
  readonly isNew: boolean;
  readonly hasLog: boolean;
  readonly hasIndex: boolean;
  /** How far the database of this place had come, and which it was. */
  readonly reached: Reached | undefined;
}

export interface Reached {
  readonly id: string;
  readonly generation: number;
}

/** The database knows how far it has come, and a file beside it does. */
export interface Identity {
  /** Counts on, in both: what is older from now on can be told apart. Raises what SQLite raises. */
  raise(): void;
  /** The last that is written before the database is closed. */
  close(): void;
}

/** Looks before anything is opened. */
export function lookAt(path: string): Found {
  const size = (file: string) => statSync(file, { throwIfNoEntry: false })?.size;
  return {
    path,
    isNew: (size(path) ?? 0) === 0,
    hasLog: size(`${path}-wal`) !== undefined,
    hasIndex: size(`${path}-shm`) !== undefined,
    reached: readReached(path),
  };
}

/**
 * Checks that this is all of the database, and the one that was here last. Raises FAILED_PRECONDITION, saying how to go on.
 */
export function checkWhole(found: Found, row: IdentityRow | undefined, cookie: number): void {
  const { path, isNew, reached } = found;
  if (reached !== undefined) {
    if (isNew)
      throw refusal(path, `is missing or empty, but a database was here before; ${orRestored(path)}`);
    if (row?.[at.id] !== reached.id) {
      throw refusal(path, `is another database than the one that was here last; ${orRestored(path)}`);
    }
    if (row[at.generation] < reached.generation) {
      const log = found.hasLog ? '' : `: its log ${path}-wal is missing, or it is a copy of before`;
      throw refusal(path, `is older than the database that was here last${log}; ${orRestored(path)}`);
    }
  }
  if (row === undefined || row[at.cookie] !== cookie || found.hasLog) return;
  // It was not closed, and its log is not here. If SQLite has written the log back, it has removed the index too.
  const isCopy = row[at.inode] !== inodeOf(path) || row[at.path] !== path;
  if (!isCopy && !found.hasIndex) return;
  throw refusal(
    path,
    `is not whole: it was in use, and its log ${path}-wal, which holds what was written last, is missing; ` +
      orRestored(path),
  );
}

/**
 * Claims the file itself, whatever it is called, since a lock belongs to a name. Which lock guards the file is written in
 * it. If it is ours, nobody else can have the file, and nothing is to be done (CLAIMED). Otherwise somebody may have it
 * under another name, or hold a lock whose file was deleted. Then it is claimed while nobody has it open at all (ALONE:
 * nobody can open it until `share`), or if those who have it open can only be readers (SHARED). Raises
 * FAILED_PRECONDITION.
 */
export function claim(
  db: Database,
  path: string,
  lock: Lock,
  row: IdentityRow | undefined,
): 'CLAIMED' | 'ALONE' | 'SHARED' {
  const inode = inodeOf(path);
  const isSame = row?.[at.inode] === inode;
  if (isSame && row[at.lockInode] === lock.inode) return 'CLAIMED';
  if (isAlone(db)) return 'ALONE';
  // Nobody has run on this file, which a Carillon would have noted in it: who has it open reads.
  const names = statSync(path).nlink;
  if (!isSame && names === 1) return 'SHARED';
  const other =
    row !== undefined && isSame && row[at.path] !== path ? `; it was last used as ${row[at.path]}` : '';
  throw refusal(
    path,
    `is open in another program, which may be a Carillon under another name of the file, or one whose ` +
      `${path}-lock was deleted${other}; stop that program first`,
  );
}

/** Lets others open the file again. */
export function share(db: Database): void {
  pragma(db, 'locking_mode = NORMAL');
  // The lock is let go at the end of a transaction.
  db.exec('BEGIN IMMEDIATE; COMMIT');
}

export function readIdentity(db: Database): IdentityRow | undefined {
  const table = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'identity'").get();
  return table && db.prepare<IdentityRow>(`SELECT ${IDENTITY.columns} FROM identity`).get();
}

/** Takes the database over. Nothing is written before `raise`. */
export function createIdentity(
  db: Database,
  path: string,
  lock: Lock,
  row: IdentityRow | undefined,
  reached: Reached | undefined,
): Identity {
  const write = db.prepare(`REPLACE INTO identity (${IDENTITY.columns}) VALUES (${IDENTITY.holes})`);
  const id = row?.[at.id] ?? Buffer.from(systemRandom().bytes(ID_BYTES)).toString('hex');
  const cookie = Number(pragma(db, 'schema_version'));
  let generation = Math.max(row?.[at.generation] ?? 0, reached?.generation ?? 0);

  function count(isOpen: boolean): void {
    write.run(1, id, generation + 1, isOpen ? cookie : null, inodeOf(path), lock.inode, path);
    generation++;
  }

  return {
    raise() {
      count(true);
      writeReached(path, { id, generation });
    },
    close() {
      count(false);
      writeReached(path, { id, generation });
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function orRestored(path: string): string {
  return (
    `put back ${path} and ${path}-wal as they were last; or, to go on with what is there, ` +
    'start once with --restored'
  );
}

/** Whether nobody else has the file open, by whatever name; nobody can open it then until `share`. */
function isAlone(db: Database): boolean {
  pragma(db, `busy_timeout = ${ALONE_WAIT_MS + (process.pid % ALONE_WAIT_SPREAD_MS)}`);
  pragma(db, 'locking_mode = EXCLUSIVE');
  try {
    db.exec('BEGIN IMMEDIATE; COMMIT');
    return true;
  } catch (error) {
    if (!isBusy(error)) throw error;
    return false;
  }
}

function reachedPath(path: string): string {
  return `${path}-generation`;
}

function readReached(path: string): Reached | undefined {
  let content: string;
  try {
    content = readFileSync(reachedPath(path), 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw refusal(path, `cannot be opened: ${reachedPath(path)} beside it cannot be read`);
  }
  const [, id, generation] = /^([\da-f]+) (\d+)\n$/.exec(content) ?? [];
  // Written by nobody but us, and whole; what is not is of no use.
  return id === undefined || generation === undefined ? undefined : { id, generation: Number(generation) };
}

/** Written whole or not at all. One that is older than the database does no harm. */
function writeReached(path: string, { id, generation }: Reached): void {
  const draft = `${reachedPath(path)}.new`;
  const file = openSync(draft, 'w', FILE_MODE);
  try {
    writeSync(file, `${id} ${generation}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, reachedPath(path));
}
