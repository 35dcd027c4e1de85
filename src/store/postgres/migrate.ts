import { type Migration, newerFault, pendingFault, readMigrations, type SchemaState } from '../migrations.ts';
import type { Session } from './connection/driver.ts';
import { type Place, refusal } from './connection/place.ts';
import { quoted } from './database.ts';

const MIGRATIONS = new URL('./migrations/', import.meta.url);

/** No statement that changes the schema waits for longer for what others have locked: meanwhile all would wait for it. */
const LOCK_TIMEOUT_MS = 5_000;

type Where = Pick<Place, 'schema' | 'shown'>;

/** How far a schema is. Changes nothing. Raises FAILED_PRECONDITION for one that is too new for this program. */
export async function schemaState(session: Session, place: Where): Promise<SchemaState> {
  const migrations = readMigrations(MIGRATIONS);
  const version = (await isKnown(session, place)) ? await versionOf(session, place, migrations) : 0;
  const pending = migrations.filter((each) => each.version > version).map(({ name }) => name);
  return { shown: place.shown, version, known: migrations.length, pending };
}

/** Raises FAILED_PRECONDITION where anything is to be done. */
export async function checkMigrated(session: Session, place: Where): Promise<void> {
  const state = await schemaState(session, place);
  if (state.pending.length > 0) throw refusal(place.shown, pendingFault(state));
}

/**
 * Applies the migrations that the schema has not had. Each is one transaction, and only goes forward. Whoever comes
 * second waits for the first. Raises FAILED_PRECONDITION.
 */
export async function migrate(session: Session, place: Where): Promise<void> {
  const migrations = readMigrations(MIGRATIONS);
  await step(session, place, () => prepare(session, place));
  for (const { version, name, sql, oldest } of migrations) {
    await step(session, place, async () => {
      if ((await versionOf(session, place, migrations)) >= version) return;
      await session.exec(sql);
      const noted = 'INSERT INTO migrations (version, name, oldest) VALUES ($1, $2, $3)';
      await session.query(noted, undefined, [version, name, oldest]);
    });
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** In a transaction, one program at a time. */
async function step(session: Session, { schema }: Where, run: () => Promise<void>): Promise<void> {
  // An operator's bound on statements is for those of every day.
  await session.exec(
    `BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SET LOCAL statement_timeout = 0;
     SET LOCAL search_path = ${quoted(schema)}`,
  );
  try {
    await session.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 1))', undefined, [schema]);
    await run();
    await session.exec('COMMIT');
  } catch (error) {
    if (!session.isLost()) await session.exec('ROLLBACK');
    throw error;
  }
}

/** The version of a schema that has a table of them. Raises FAILED_PRECONDITION for one that is too new. */
async function versionOf(
  session: Session,
  { schema, shown }: Where,
  { length: known }: readonly Migration[],
): Promise<number> {
  const { rows } = await session.query(
    // The column is younger than the first schemas.
    `SELECT coalesce(max(version), 0), coalesce(max(coalesce((to_jsonb(m) ->> 'oldest')::integer, version)), 0)
     FROM ${quoted(schema)}.migrations AS m`,
    undefined,
    [],
  );
  const [version = 0, oldest = 0] = (rows[0] ?? []) as number[];
  const fault = newerFault(version, oldest, known);
  if (fault !== undefined) throw refusal(shown, fault);
  return version;
}

async function isKnown(session: Session, { schema }: Where): Promise<boolean> {
  const { rows } = await session.query('SELECT (to_regclass($1) IS NOT NULL)::integer', undefined, [
    `${quoted(schema)}.migrations`,
  ]);
  return (rows[0] as number[])[0] === 1;
}

async function prepare(session: Session, place: Where): Promise<void> {
  const { schema } = place;
  // Who may not make a schema may use one that an administrator made.
  const { count } = await session.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', undefined, [schema]);
  if (count === 0) await session.exec(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`);
  const table = `${quoted(schema)}.migrations`;
  if (!(await isKnown(session, place))) {
    await session.exec(`
      CREATE TABLE IF NOT EXISTS ${table} (
        version integer PRIMARY KEY,
        name    text NOT NULL,
        -- The version that a program must know, at least, to work with a schema that had this one.
        oldest  integer,
        applied timestamptz NOT NULL DEFAULT now())`);
  }
  const { count: columns } = await session.query(
    "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = 'oldest'",
    undefined,
    [table],
  );
  if (columns === 0) await session.exec(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS oldest integer`);
}
