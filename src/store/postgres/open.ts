import { DomainError } from '../../domain/error.ts';
import { systemRandom } from '../../domain/random.ts';
import { createFeed } from '../calls/feed.ts';
import { storeOn } from '../calls/store.ts';
import type { Store } from '../store.ts';
import { createClient } from './client.ts';
import { createContext } from './context.ts';
import { createDatabase } from './database.ts';
import { connect, messageOf, type Session, stateOf } from './driver.ts';
import { createEnter } from './entering.ts';
import { createGroup } from './group.ts';
import { createLink, type Link } from './link.ts';
import { migrate } from './migrate.ts';
import { type PostgresOptions, settings } from './options.ts';
import { type Place, placeOf, refusal } from './place.ts';
import { createUpkeep } from './upkeep.ts';
import { selectEnding } from './verbs/waiting.ts';
import { allVerbs } from './verbs.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** The oldest server that has all that is used. */
const VERSION_MIN = 150_000;
/** How long the process of a server may take to see that the one that it served is gone. */
const LOCK_WAIT_MS = 5_000;
const LOCK_RETRY_MS = 100;
const NODE_BYTES = 8;

/** Opens the store in the PostgreSQL that `url` names. Raises what `openStore` raises. */
export async function openPostgres(url: string, options: PostgresOptions): Promise<Store> {
  const bounds = settings(options);
  const place = placeOf(url);
  let first: Session | undefined;
  let link: Link | undefined;
  try {
    first = await reach(place, bounds.answerMs);
    await check(first, place, bounds.warn);
    await claim(first, place, undefined, LOCK_WAIT_MS);
    await migrateApart(place);
    link = createLink({ first, again: (lost) => reopen(place, lost, bounds.answerMs) });
    return await openOn(link, place, bounds);
  } catch (error) {
    await (link ?? first)?.close();
    throw error instanceof DomainError ? error : refusal(place.shown, reason(error));
  }
}

async function openOn(link: Link, place: Place, bounds: ReturnType<typeof settings>): Promise<Store> {
  const node = Buffer.from(systemRandom().bytes(NODE_BYTES)).toString('hex');
  const db = createDatabase(place.schema, link.session);
  const context = createContext(db, bounds);
  const { verbs, together } = allVerbs(context, bounds);
  const [[stronger] = []] = (await link.session().query('SHOW synchronous_commit', undefined, []))
    .rows as string[][];
  const group = createGroup({
    db,
    node,
    verbs,
    together,
    memory: context.memory,
    enter: createEnter(db),
    isLost: () => !link.isUp(),
    durability: stronger === 'remote_apply' ? stronger : 'on',
  });
  link.onChange(context.memory.forget);
  await db.prepare('DELETE FROM @commits WHERE node <> ?').run(node);
  const ending = await selectEnding(db);
  const apart = createUpkeep({ link, context, connect: () => reach(place), schema: place.schema });
  const client = createClient({ link, group, bounds, apart });
  return storeOn({ client, feed: createFeed(bounds), defaults: bounds }, ending);
}

/** On a session of its own, on which a statement may take as long as it needs. */
async function migrateApart(place: Place): Promise<void> {
  const session = await reach(place);
  try {
    await migrate(session, place);
  } finally {
    await session.close();
  }
}

async function reach({ url }: Place, answerMs?: number): Promise<Session> {
  return connect({
    ...(answerMs !== undefined && { answerMs }),
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'carillon',
  });
}

async function reopen(place: Place, lost: Session, answerMs: number): Promise<Session> {
  const session = await reach(place, answerMs);
  try {
    await checkPrimary(session, place);
    await claim(session, place, lost.pid, 0);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function check(session: Session, place: Place, warn: (sentence: string) => void): Promise<void> {
  const { rows } = await session.query(
    `SELECT current_setting('server_version_num'), current_setting('server_version'),
      current_setting('server_encoding'), current_setting('fsync'), current_setting('full_page_writes')`,
    undefined,
    [],
  );
  const [number, version, encoding, fsync, fullPages] = rows[0] as string[];
  if (Number(number) < VERSION_MIN) throw refusal(place.shown, `is PostgreSQL ${version}; use 15 or later`);
  if (encoding !== 'UTF8') {
    throw refusal(place.shown, `keeps its texts in ${encoding}; make a database with ENCODING 'UTF8'`);
  }
  if (fsync !== 'on') {
    throw refusal(place.shown, 'runs with fsync = off, and would lose what was accepted; set it to on');
  }
  if (fullPages !== 'on') warn(`${place.shown} runs with full_page_writes = off: a crash can damage it`);
  await checkPrimary(session, place);
}

async function checkPrimary(session: Session, { shown }: Place): Promise<void> {
  const { rows } = await session.query(
    "SELECT pg_is_in_recovery()::integer, (current_setting('transaction_read_only') = 'on')::integer",
    undefined,
    [],
  );
  const [isStandby, isReadOnly] = rows[0] as number[];
  if (isStandby === 1) throw refusal(shown, 'is a standby, which cannot be written to; name the primary');
  if (isReadOnly === 1) throw refusal(shown, 'can only be read (default_transaction_read_only)');
}

/**
 * Takes the schema for this process: one at a time works on it. The lock goes with the session, by which everything is
 * written, so nobody writes who does not have it. `lost` is a process of the server that may still have our own.
 */
async function claim(
  session: Session,
  place: Place,
  lost: number | undefined,
  waitMs: number,
): Promise<void> {
  const key = `carillon ${place.schema}`;
  for (let waitedMs = 0; ; waitedMs += LOCK_RETRY_MS) {
    const { rows } = await session.query(
      'SELECT pg_try_advisory_lock(hashtextextended($1, 0))::integer',
      undefined,
      [key],
    );
    const [isOurs] = rows[0] as number[];
    if (isOurs === 1) return;
    if (lost !== undefined) await end(session, lost, key);
    if (waitedMs >= waitMs) {
      throw refusal(
        place.shown,
        `is in use by another Carillon (schema ${place.schema}); stop that one first, or give another schema`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
  }
}

/** Ends a process of the server that serves nobody any more, if it still has the lock. */
async function end(session: Session, pid: number, key: string): Promise<void> {
  await session.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND pid = $1
       AND (classid::bigint << 32 | objid::bigint) = hashtextextended($2, 0)`,
    undefined,
    [pid, key],
  );
}

/** Why a database cannot be used, for the person who starts the server. */
function reason(error: unknown): string {
  switch (stateOf(error)) {
    case '28P01':
    case '28000':
      return `lets nobody in with this user and password (${messageOf(error)})`;
    case '3D000':
      return 'does not exist; make it with CREATE DATABASE';
    case '42501':
      return `does not allow what is needed (${messageOf(error)}); grant CREATE on the database, or make the schema and give it to this user`;
    default:
      return `cannot be opened: ${messageOf(error)}`;
  }
}
