import { DomainError } from '../../domain/error.ts';
import { systemRandom } from '../../domain/random.ts';
import { createFeed } from '../calls/feed.ts';
import { storeOn } from '../calls/store.ts';
import type { Store } from '../store.ts';
import { createClient } from './client.ts';
import { checkServer } from './connection/checks.ts';
import type { Session } from './connection/driver.ts';
import { createLink, type Link } from './connection/link.ts';
import { type Place, placeOf, refusal } from './connection/place.ts';
import { faultOf, type ReachOptions, reach } from './connection/reach.ts';
import { createContext } from './context.ts';
import { createDatabase } from './database.ts';
import { createEnter } from './entering.ts';
import { createGroup } from './group.ts';
import { checkMigrated, migrate } from './migrate.ts';
import { type PostgresOptions, type PostgresSettings, settings } from './options.ts';
import { agree, agreeAgain } from './shared-settings.ts';
import { createUpkeep } from './space/upkeep.ts';
import { selectEnding } from './verbs/waiting.ts';
import { allVerbs } from './verbs.ts';

/** How long the process of a server may take to see that the one that it served is gone. */
const LOCK_WAIT_MS = 5_000;
const LOCK_RETRY_MS = 100;
const NODE_BYTES = 8;

/** Opens the store in the PostgreSQL that `url` names. Raises what `openStore` raises. */
export async function openPostgres(url: string, options: PostgresOptions): Promise<Store> {
  const bounds = settings(options);
  const place = placeOf(url, bounds.env);
  const passwords = { file: bounds.passwordFile, env: bounds.env };
  const answerMs = options.answerMs ?? place.parameters.answer_timeout * 1000;
  const way = { place, passwords, answerMs, bounds };
  let first: Session | undefined;
  let link: Link | undefined;
  try {
    first = await reach(place, way);
    await checkServer(first, place, bounds.warn);
    await claim(first, place, undefined, LOCK_WAIT_MS);
    await migrateApart(way);
    if (bounds.shared !== undefined) await agree(first, place, bounds.shared, bounds.warn);
    link = createLink({ first, again: (lost) => reopen(way, lost) });
    return await openOn(link, way);
  } catch (error) {
    await (link ?? first)?.close();
    throw error instanceof DomainError ? error : refusal(place.shown, faultOf(error, place));
  }
}

/** By which the database is reached, and what was set about it. */
interface Way extends ReachOptions {
  readonly place: Place;
  readonly bounds: PostgresSettings;
}

async function openOn(link: Link, { place, passwords, bounds }: Way): Promise<Store> {
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
  const { patienceMs } = bounds;
  const connect = (): Promise<Session> => reach(place, { passwords });
  const apart = createUpkeep({ link, context, connect, schema: place.schema, patienceMs });
  const client = createClient({ link, group, bounds, apart });
  return storeOn({ client, feed: createFeed(bounds), defaults: bounds }, ending);
}

/** On a session of its own, on which a statement may take as long as it needs. */
async function migrateApart({ place, passwords, bounds: { noMigrate } }: Way): Promise<void> {
  const session = await reach(place, { passwords });
  try {
    await (noMigrate ? checkMigrated : migrate)(session, place);
  } finally {
    await session.close();
  }
}

async function reopen(way: Way, lost: Session): Promise<Session> {
  const { place, bounds } = way;
  const session = await reach(place, way);
  try {
    await claim(session, place, lost.pid, 0);
    if (bounds.shared !== undefined) await agreeAgain(session, place, bounds.shared, bounds.warn);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
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
