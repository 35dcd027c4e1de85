import type { Session } from './connection/driver.ts';
import { type Place, refusal } from './connection/place.ts';
import { quoted } from './database.ts';

/** Settings that decide what rows mean: all servers of a schema must have the same. */
export interface SharedSettings {
  /** By their names, as people write them. */
  readonly values: ReadonlyMap<string, string>;
  /** Whether they are to be those of the store, whoever works on it with others. */
  readonly force: boolean;
}

/** How long PostgreSQL may take to see that a server is gone. */
const WAIT_MS = 1_000;
const RETRY_MS = 50;

type Where = Pick<Place, 'schema' | 'shown'>;

/**
 * A server begins to work with these settings. Whoever comes first, or is alone, makes its own those of the store: to
 * change one and to start again is nothing special where there is one server. Each has a share of a lock for as long as
 * it has its session, by which others see that it is there. Raises FAILED_PRECONDITION where others have other ones.
 */
export async function agree(
  session: Session,
  place: Where,
  { values, force }: SharedSettings,
  warn: (sentence: string) => void,
): Promise<void> {
  await apart(session, place, async () => {
    const stored = await read(session, place);
    const differing = differences(stored, values);
    if (differing.length > 0 && !force && !(await isAlone(session, place))) {
      throw refusal(
        place.shown,
        `is in use with other settings: ${differing.map(spoken).join('; ')}; start with the same, or once with ` +
          '--force-settings to make these the ones of the store, and start the other servers with them, too',
      );
    }
    if (differing.length > 0) warn(`settings of the store have changed: ${differing.map(spoken).join('; ')}`);
    await write(session, place, values);
    await share(session, place);
  });
}

/** The same after a session was lost: a server that runs goes on with its own settings, and says what differs. */
export async function agreeAgain(
  session: Session,
  place: Where,
  { values }: SharedSettings,
  warn: (sentence: string) => void,
): Promise<void> {
  const differing = differences(await read(session, place), values);
  if (differing.length > 0) {
    warn(
      `settings of the store were changed by another server: ${differing.map(spoken).join('; ')}; start this one again with the same`,
    );
  }
  await share(session, place);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

interface Difference {
  readonly name: string;
  readonly there: string;
  readonly here: string;
}

/** One that is not stored yet differs from nothing: a server that did not know it wrote the others. */
function differences(
  stored: ReadonlyMap<string, string>,
  values: ReadonlyMap<string, string>,
): readonly Difference[] {
  return [...values].flatMap(([name, here]) => {
    const there = stored.get(name);
    return there === undefined || there === here ? [] : [{ name, there, here }];
  });
}

function spoken({ name, there, here }: Difference): string {
  const shown = (text: string): string => (text === '' ? 'nothing' : text);
  return `${name} is ${shown(there)} there and ${shown(here)} here`;
}

/** In a transaction, one server at a time. */
async function apart(session: Session, { schema }: Where, run: () => Promise<void>): Promise<void> {
  await session.exec('BEGIN');
  try {
    await session.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 3))', undefined, [schema]);
    await run();
    await session.exec('COMMIT');
  } catch (error) {
    if (!session.isLost()) await session.exec('ROLLBACK');
    throw error;
  }
}

async function read(session: Session, { schema }: Where): Promise<ReadonlyMap<string, string>> {
  const { rows } = await session.query(`SELECT name, value FROM ${quoted(schema)}.settings`, undefined, []);
  return new Map(rows as [string, string][]);
}

async function write(
  session: Session,
  { schema }: Where,
  values: ReadonlyMap<string, string>,
): Promise<void> {
  await session.query(
    `INSERT INTO ${quoted(schema)}.settings AS s (name, value) SELECT * FROM unnest($1::text[], $2::text[])
     ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE s.value <> excluded.value`,
    undefined,
    [[...values.keys()], [...values.values()]],
  );
}

/**
 * Nobody has a share of the lock but us, who have none yet: also when PostgreSQL sees a moment later that the server
 * that had one is gone. The lock goes with the transaction.
 */
async function isAlone(session: Session, { schema }: Where): Promise<boolean> {
  for (let waitedMs = 0; ; waitedMs += RETRY_MS) {
    const { rows } = await session.query(
      'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 2))::integer',
      undefined,
      [schema],
    );
    if ((rows[0] as number[])[0] === 1) return true;
    if (waitedMs >= WAIT_MS) return false;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function share(session: Session, { schema }: Where): Promise<void> {
  await session.query('SELECT pg_advisory_lock_shared(hashtextextended($1, 2))', undefined, [schema]);
}
