import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { DomainError } from '../../domain/error.ts';
import type { SchemaState } from '../migrations.ts';
import { BUSY_MS, reasonOf } from './database.ts';
import { connectToRead } from './driver.ts';
import { APPLICATION_ID, identify, schemaState, versionOf } from './migrate.ts';
import { placeOf, refusal } from './place.ts';

/** How far the file at `path` is. Changes nothing, also while a server has it. Raises what `openStore` raises. */
export function stateOfFile(path: string): SchemaState {
  const place = placeOf(path);
  const found = statSync(place, { throwIfNoEntry: false });
  if (found === undefined || found.size === 0) return schemaState(0, path);
  const version = writtenVersion(place);
  if (version !== undefined) return schemaState(version, path);
  try {
    const db = connectToRead(place, BUSY_MS);
    try {
      identify(db, path);
      return schemaState(versionOf(db), path);
    } finally {
      db.close();
    }
  } catch (error) {
    throw error instanceof DomainError ? error : refusal(path, reasonOf(error));
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** https://www.sqlite.org/fileformat2.html#the_database_header */
const HEADER_BYTES = 100;
const VERSION_AT = 60;
const APPLICATION_AT = 68;

/**
 * The version that stands in a file of ours, without SQLite: that would leave an index of the log beside it. Undefined
 * where some of it is in the log still, where the file is another program's, and where it cannot be read.
 */
function writtenVersion(place: string): number | undefined {
  if ((statSync(`${place}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return undefined;
  const header = Buffer.alloc(HEADER_BYTES);
  try {
    const file = openSync(place, 'r');
    try {
      readSync(file, header, 0, HEADER_BYTES, 0);
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
  return header.readUInt32BE(APPLICATION_AT) === APPLICATION_ID ? header.readUInt32BE(VERSION_AT) : undefined;
}
