import { isSecretHeader } from '../../domain/webhook/secret-headers.ts';
import { newerFault, pendingFault, readMigrations, type SchemaState } from '../migrations.ts';
import { maskedHeaders } from '../rows/attempt-headers.ts';
import { type Database, pragma } from './driver.ts';
import { refusal } from './place.ts';

/** "Cari" in ASCII: marks the file as ours, for us and for `file(1)`. */
export const APPLICATION_ID = 0x43617269;

const MIGRATIONS = new URL('./migrations/', import.meta.url);

/** Refuses another program's database, which has tables but not our mark. */
export function identify(db: Database, path: string): void {
  const id = pragma(db, 'application_id');
  if (id === APPLICATION_ID) return;
  const [tables] = db.prepare<[count: number]>('SELECT count(*) FROM sqlite_schema').get() ?? [];
  if (id !== 0 || tables !== 0)
    throw refusal(path, 'is a database of another program; give Carillon its own file');
}

/** The version of the schema that this program works with. */
export function schemaVersion(): number {
  return readMigrations(MIGRATIONS).length;
}

export function versionOf(db: Database): number {
  return Number(pragma(db, 'user_version'));
}

/** How far a file is that has a version, which is 0 where there is none. Raises FAILED_PRECONDITION if that is too new. */
export function schemaState(version: number, path: string): SchemaState {
  const migrations = readMigrations(MIGRATIONS);
  // One process has a file, so no program need work with what a newer one has made of it.
  const fault = newerFault(version, version, migrations.length);
  if (fault !== undefined) throw refusal(path, fault);
  const pending = migrations.filter((each) => each.version > version).map(({ name }) => name);
  return { shown: path, version, known: migrations.length, pending };
}

/** Raises FAILED_PRECONDITION where anything is to be done. */
export function checkMigrated(version: number, path: string): void {
  const state = schemaState(version, path);
  if (state.pending.length > 0) throw refusal(path, pendingFault(state));
}

/** Applies the migrations that the file has not had. Each is one transaction, and only goes forward. */
export function migrate(db: Database, path: string): void {
  const { version } = schemaState(versionOf(db), path);
  db.define('is_secret_header', (name) => (isSecretHeader(name.toLowerCase()) ? 1 : 0));
  db.define('masked_headers', maskedHeaders);
  for (const each of readMigrations(MIGRATIONS)) {
    if (each.version <= version) continue;
    db.exec('BEGIN IMMEDIATE');
    db.exec(each.sql);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${each.version}`);
    db.exec('COMMIT');
  }
}
