import { isPostgres, placeOf } from '../store/postgres/connection/place.ts';
import type { Config } from './config/load.ts';

type Database = Pick<Config, 'db' | 'store' | 'pgEnvironment'>;

/** The database as people may read it: without a password. */
export function shownDatabase({ db, store, pgEnvironment }: Database): string {
  return store === undefined ? db : placeOf(store, pgEnvironment).shown;
}

/** The arguments by which a configuration has this database, as somebody names it who may mean either kind. */
export function databaseArguments(named: string): string[] {
  return isPostgres(named) ? ['--store', named] : ['--db', named];
}
