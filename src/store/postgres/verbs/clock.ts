import { HELD } from '../../rows/codes.ts';
import type { Context } from '../context.ts';
import type { Database } from '../database.ts';
import type { Verbs } from '../protocol.ts';

/** Rows that are moved in one transaction. */
const MOVED_MAX = 2_000;
/** How exactly it is known when a server was last at work. */
const ALIVE_EVERY_MS = 30_000;

/** What depends on whether time passed as it should: while nobody looked, and when the clock was put back. */
export function clockVerbs({ db }: Context): Pick<Verbs, 'comeBack' | 'moveBack'> {
  const alive = aliveNote(db);
  const forgetFailing = db.prepare(
    'UPDATE @webhooks SET failing_since = NULL WHERE failing_since IS NOT NULL',
  );
  const moveHealth = db.prepare(`
    UPDATE @webhooks SET failing_since = failing_since - ?1::bigint, open_until = open_until - ?1::bigint,
      hold_until = hold_until - ?1::bigint
    WHERE failing_since IS NOT NULL OR open_until IS NOT NULL OR hold_until IS NOT NULL`);
  const moveConsents = db.prepare(
    'UPDATE @webhooks SET consent_due_at = consent_due_at - ? WHERE consent_due_at IS NOT NULL',
  );
  const selectLater = db.prepare<[id: string, webhook: number, dueAt: number, ord: number]>(`
    SELECT id, webhook, due_at, ord FROM @waiting
    WHERE (webhook, due_at, ord) > (?1::bigint, ?2::bigint, ?3::bigint) AND due_at > ?4 AND due_at < ${HELD}
    ORDER BY webhook, due_at, ord LIMIT ${MOVED_MAX}`);
  // What was due keeps its place behind what has been due for longer, and before what comes in from now on; also in
  // ordered lanes, which go by when it first became due.
  const move = db.prepare(`
    UPDATE @waiting SET due_at = greatest(?3::bigint, due_at - ?2::bigint),
      first_due_at = greatest(least(first_due_at, ?3::bigint), first_due_at - ?2::bigint),
      xid = pg_current_xact_id()
    WHERE id = ANY(?1)`);

  return {
    async comeBack([now, awayMs]) {
      const at = await alive.read();
      if (at !== null && now - at > awayMs) await forgetFailing.run();
      if (at === null || at <= now) await alive.write(now);
      return at;
    },

    async moveBack([byMs, now, place]) {
      if (place === null) {
        await moveHealth.run(byMs);
        await moveConsents.run(byMs);
      }
      // What is moved comes to lie before this place, where the walk does not come again.
      const found = await selectLater.all(...(place ?? [0, 0, 0]), now);
      if (found.length > 0)
        await move.run(
          found.map(([id]) => id),
          byMs,
          now,
        );
      const last = found.at(-1);
      if (last !== undefined && found.length === MOVED_MAX) return [last[1], last[2], last[3]];
      // Not before everything is moved: a server that is killed meanwhile finds the same again when it starts.
      await alive.write(now);
      return null;
    },
  };
}

/** Notes that a server is at work; for the sweeper, which looks in each minute. */
export function aliveNote(db: Database): {
  readonly read: () => Promise<number | null>;
  readonly write: (now: number) => Promise<void>;
  readonly refresh: (now: number) => Promise<void>;
} {
  const select = db.prepare<[at: number]>('SELECT at FROM @alive');
  const remove = db.prepare('DELETE FROM @alive');
  const insert = db.prepare('INSERT INTO @alive (at) VALUES (?)');
  const read = async (): Promise<number | null> => (await select.get())?.[0] ?? null;

  async function write(now: number): Promise<void> {
    await remove.run();
    await insert.run(now);
  }

  return {
    read,
    write,
    async refresh(now) {
      const at = await read();
      // A time ahead of now is to be found by `comeBack`.
      if (at === null || now - at >= ALIVE_EVERY_MS) await write(now);
    },
  };
}
