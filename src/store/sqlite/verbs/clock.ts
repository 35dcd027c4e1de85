import { HELD } from '../../rows/codes.ts';
import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';

/** Rows that are moved in one transaction. */
const MOVED_MAX = 2_000;
/** Searches in one transaction: each webhook takes two, however little it has to move. */
const SEARCHES_MAX = 1_000;
/** How exactly it is known when a server was last at work. */
const ALIVE_EVERY_MS = 30_000;

/** What depends on whether time passed as it should: while nobody looked, and when the clock was put back. */
export function clockVerbs({ db }: Context): Pick<Verbs, 'comeBack' | 'moveBack'> {
  const alive = aliveNote(db);
  const forgetFailing = db.prepare(
    'UPDATE webhooks SET failing_since = NULL WHERE failing_since IS NOT NULL',
  );
  const moveHealth = db.prepare(`
    UPDATE webhooks SET failing_since = failing_since - ?1, open_until = open_until - ?1,
      hold_until = hold_until - ?1
    WHERE failing_since IS NOT NULL OR open_until IS NOT NULL OR hold_until IS NOT NULL`);
  const moveConsents = db.prepare(
    'UPDATE webhooks SET consent_due_at = consent_due_at - ? WHERE consent_due_at IS NOT NULL',
  );
  const nextWebhook = db.prepare<[key: number | null]>(
    'SELECT min(webhook) FROM deliveries INDEXED BY deliveries_due WHERE state = 0 AND webhook > ?',
  );
  const selectLater = db.prepare<[dueAt: number, ord: number]>(`
    SELECT due_at, ord FROM deliveries INDEXED BY deliveries_due
    WHERE state = 0 AND webhook = ?1 AND (due_at, ord) > (?2, ?3) AND due_at < ${HELD}
    ORDER BY due_at, ord LIMIT ?4`);
  // What was due keeps its place behind what has been due for longer, and before what comes in from now on; also in
  // ordered lanes, which go by when it first became due.
  const move = db.prepare(`
    UPDATE deliveries SET due_at = max(?3, due_at - ?2),
      first_due_at = max(min(first_due_at, ?3), first_due_at - ?2)
    WHERE ord = ?1`);

  return {
    comeBack([now, awayMs]) {
      const at = alive.read();
      if (at !== null && now - at > awayMs) forgetFailing.run();
      if (at === null || at <= now) alive.write(now);
      return at;
    },

    moveBack([byMs, now, place]) {
      if (place === null) {
        moveHealth.run(byMs);
        moveConsents.run(byMs);
      }
      let [webhook, dueAt, ord] = place ?? [nextWebhook.get(0)?.[0] ?? null, now, HELD];
      let left = MOVED_MAX;
      for (let searches = 0; webhook !== null; searches++) {
        if (left === 0 || searches === SEARCHES_MAX) return [webhook, dueAt, ord];
        // What is moved comes to lie before this place, where the walk does not come again.
        const found = selectLater.all(webhook, dueAt, ord, left);
        for (const row of found) move.run(row[1], byMs, now);
        left -= found.length;
        [dueAt, ord] = found.at(-1) ?? [now, HELD];
        if (left > 0) [webhook, dueAt, ord] = [nextWebhook.get(webhook)?.[0] ?? null, now, HELD];
      }
      // Not before everything is moved: a server that is killed meanwhile finds the same again when it starts.
      alive.write(now);
      return null;
    },
  };
}

/** Notes that a server is at work; for the sweeper, which looks in each minute. */
export function aliveNote(db: Context['db']): {
  read(): number | null;
  write(now: number): void;
  refresh(now: number): void;
} {
  const select = db.prepare<[at: number]>('SELECT at FROM alive');
  const remove = db.prepare('DELETE FROM alive');
  const insert = db.prepare('INSERT INTO alive (at) VALUES (?)');
  const read = (): number | null => select.get()?.[0] ?? null;

  function write(now: number): void {
    remove.run();
    insert.run(now);
  }

  return {
    read,
    write,
    refresh(now) {
      const at = read();
      // A time ahead of now is to be found by `comeBack`.
      if (at === null || now - at >= ALIVE_EVERY_MS) write(now);
    },
  };
}
