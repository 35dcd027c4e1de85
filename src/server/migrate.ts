import { DomainError } from '../domain/error.ts';
import { systemRandom } from '../domain/random.ts';
import { type SchemaState, spokenSteps } from '../store/migrations.ts';
import { migrateStore, stateOfStore } from '../store/open.ts';
import { type ConfigSources, loadConfig } from './config/load.ts';
import { connectionOf, openDatabase } from './open-database.ts';

/** What was found, and what was done about it. */
export interface Migrated {
  /** The database, for people. */
  readonly database: string;
  /** The version of its schema as it was found, 0 where there was nothing yet, and the one that this program knows. */
  readonly version: number;
  readonly known: number;
  /** The steps that were missing, in a sentence; empty where none was. */
  readonly steps: string;
}

export interface MigrateOrder extends ConfigSources {
  /** Whether it is only looked at. */
  readonly check: boolean;
  /** Told of what an operator should know, in sentences. */
  readonly tell: (sentence: string) => void;
}

/**
 * Brings the database of a server up to date, or looks whether it is. On PostgreSQL servers may be at work meanwhile; a
 * file, no server may have. Rejects with DomainError, its message for an operator.
 */
export async function migrateDatabase({ check, tell, ...sources }: MigrateOrder): Promise<Migrated> {
  const config = await loadConfig('serve', sources);
  const { store: url, db } = config;
  if (url === undefined && db === ':memory:') {
    throw new DomainError(
      'SETTING_INVALID',
      'a database in memory is made anew at each start; name another one',
    );
  }
  const place = url ?? db;
  const options = { ...connectionOf(config), warn: tell };
  if (check) return migratedOf(await stateOfStore(place, options));
  if (url !== undefined) return migratedOf(await migrateStore(url, options));
  const before = await stateOfStore(place, options);
  const opening = { random: systemRandom(), warn: tell, tell, serves: false };
  const { store } = await openDatabase({ ...config, noMigrate: false }, opening);
  await store.close();
  return migratedOf(before);
}

function migratedOf({ shown, version, known, pending }: SchemaState): Migrated {
  return { database: shown, version, known, steps: spokenSteps(pending) };
}
