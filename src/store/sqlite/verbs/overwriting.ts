import type { Database } from '../database.ts';

/** Does what erases data: SQLite overwrites what it deletes meanwhile, instead of only unlinking it. */
export function overwriting<T>(db: Pick<Database, 'exec'>, erase: () => T): T {
  db.exec('PRAGMA secure_delete = ON');
  try {
    return erase();
  } finally {
    db.exec('PRAGMA secure_delete = OFF');
  }
}
