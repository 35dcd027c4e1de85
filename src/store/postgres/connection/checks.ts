import type { Session } from './driver.ts';
import { type Place, refusal } from './place.ts';

/** The oldest server that has all that is used. */
const VERSION_MIN = 150_000;

/**
 * Looks whether a server keeps what it is given. Raises FAILED_PRECONDITION, its message for the person who starts
 * Carillon; `warn` is told what is no reason to refuse it.
 */
export async function checkServer(
  session: Pick<Session, 'query'>,
  { shown }: Pick<Place, 'shown'>,
  warn: (sentence: string) => void,
): Promise<void> {
  const { rows } = await session.query(
    `SELECT current_setting('server_version_num'), current_setting('server_version'),
      current_setting('server_encoding'), current_setting('fsync'), current_setting('full_page_writes')`,
    undefined,
    [],
  );
  const [number, version, encoding, fsync, fullPages] = rows[0] as string[];
  if (Number(number) < VERSION_MIN) throw refusal(shown, `is PostgreSQL ${version}; use 15 or later`);
  if (encoding !== 'UTF8') {
    throw refusal(shown, `keeps its texts in ${encoding}; make a database with ENCODING 'UTF8'`);
  }
  if (fsync !== 'on') {
    throw refusal(shown, 'runs with fsync = off, and would lose what was accepted; set it to on');
  }
  if (fullPages !== 'on') warn(`${shown} runs with full_page_writes = off: a crash can damage it`);
  if (await hasLaggards(session)) {
    warn(
      `${shown} has a standby that is not waited for (synchronous_standby_names is empty): if it takes over, ` +
        'what was accepted last and had not reached it is lost',
    );
  }
}

/** Why a session cannot be used to write, to follow what it is with; undefined if it can. */
export async function checkWritable(session: Pick<Session, 'query'>): Promise<string | undefined> {
  const { rows } = await session.query(
    "SELECT pg_is_in_recovery()::integer, (current_setting('transaction_read_only') = 'on')::integer",
    undefined,
    [],
  );
  const [isStandby, isReadOnly] = rows[0] as number[];
  if (isStandby === 1) return 'is a standby, which cannot be written to; name the primary';
  if (isReadOnly === 1) return 'can only be read (default_transaction_read_only)';
  return undefined;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/**
 * Whether a standby follows that no commit waits for. Backups and subscribers are none; who may not see what a process
 * does, sees no more than that there is one.
 */
async function hasLaggards(session: Pick<Session, 'query'>): Promise<boolean> {
  const { count } = await session.query(
    `SELECT 1 FROM pg_stat_replication AS r
     WHERE current_setting('synchronous_standby_names') = '' AND (state IS NULL OR state IN ('streaming', 'catchup'))
       AND NOT EXISTS (SELECT 1 FROM pg_replication_slots WHERE active_pid = r.pid AND slot_type = 'logical')
     LIMIT 1`,
    undefined,
    [],
  );
  return count > 0;
}
