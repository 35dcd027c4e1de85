import type { Clock } from '../../domain/clock.ts';
import { DomainError } from '../../domain/error.ts';
import { backUp, type Copied } from '../../store/sqlite/backup.ts';
import type { Config } from '../config/load.ts';
import { shownDatabase } from '../shown-database.ts';

export interface Backup extends Copied {
  /** What is in the database of which the copy was made, at the latest. */
  readonly since: number;
}

/** Copies the database of a configuration to a file, also while a server works on it. Raises FAILED_PRECONDITION. */
export function backUpDatabase(
  config: Pick<Config, 'db' | 'store'>,
  to: string,
  clock: Pick<Clock, 'now'>,
): Backup {
  checkIsFile(config, 'pg_dump makes a copy of it, and carillon export one that can be moved elsewhere');
  // Before the copy begins: what is sent from now on may be sent again.
  const since = clock.now();
  return { ...backUp(config.db, to, since), since };
}

export function checkIsFile(config: Pick<Config, 'db' | 'store'>, todo: string): void {
  if (config.store === undefined && config.db !== ':memory:') return;
  throw new DomainError('DATABASE_UNUSABLE', `${shownDatabase(config)} is no file of SQLite; ${todo}`);
}
