import { readdirSync, readFileSync } from 'node:fs';
import { quoted } from './database.ts';
import type { Session } from './driver.ts';
import { type Place, refusal } from './place.ts';

const MIGRATIONS = new URL('./migrations/', import.meta.url);

/** No statement that changes the schema waits for longer for what others have locked: meanwhile all would wait for it. */
const LOCK_TIMEOUT_MS = 5_000;

/**
 * Applies the migrations that the schema has not had. Each is one transaction, and only goes forward. Whoever comes
 * second waits for the first. Raises FAILED_PRECONDITION.
 */
export async function migrate(session: Session, place: Place): Promise<void> {
  const { schema } = place;
  const files = readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  await prepare(session, place);
  for (const [index, name] of files.entries()) {
    await session.exec(
      `BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SET LOCAL search_path = ${quoted(schema)}`,
    );
    try {
      const { rows } = await session.query(
        'SELECT coalesce(max(version), 0) FROM migrations WHERE pg_advisory_xact_lock(hashtextextended($1, 1)) IS NOT NULL',
        undefined,
        [schema],
      );
      const [version = 0] = (rows[0] ?? []) as number[];
      if (version > files.length) {
        throw refusal(
          place.shown,
          `was written by a newer Carillon (schema ${version}; this version knows ${files.length}); upgrade Carillon`,
        );
      }
      if (version <= index) {
        await session.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'));
        await session.query('INSERT INTO migrations (version, name) VALUES ($1, $2)', undefined, [
          index + 1,
          name,
        ]);
      }
      await session.exec('COMMIT');
    } catch (error) {
      if (!session.isLost()) await session.exec('ROLLBACK');
      throw error;
    }
  }
}

async function prepare(session: Session, { schema }: Place): Promise<void> {
  // Who may not make a schema may use one that an administrator made.
  const { count } = await session.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', undefined, [schema]);
  if (count === 0) await session.exec(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`);
  const known = await session.query('SELECT to_regclass($1) IS NOT NULL', undefined, [
    `${quoted(schema)}.migrations`,
  ]);
  const [isKnown] = known.rows[0] as string[];
  if (isKnown === 't') return;
  await session.exec(`
    CREATE TABLE IF NOT EXISTS ${quoted(schema)}.migrations (
      version integer PRIMARY KEY,
      name    text NOT NULL,
      applied timestamptz NOT NULL DEFAULT now())`);
}
