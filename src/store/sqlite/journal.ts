import { SETTLEMENT, type SettlementRow } from '../rows/messages.ts';
import { ATTEMPT, type AttemptRow } from '../rows/tables.ts';
import type { Database } from './database.ts';

/** What happened to deliveries. The rows about one delivery are a chain, which begins in its own row. */
export interface Journal {
  /** The last row. */
  readonly last: () => number;
  /** The last row that was deleted: what follows it is whole. */
  readonly keptAfter: () => number;
  /** Reads again where the end is, after a rollback. */
  readonly reload: () => void;
  /** Adds a settlement, and returns its row. */
  readonly settle: (row: SettlementRow) => number;
  /**
   * Removes from a settlement's attempt what shows the event's data, if that data was erased. It changes the
   * row itself, which then stays so when its transaction is taken back and run again.
   */
  readonly strip: (row: SettlementRow) => void;
  /** Takes the last row back, because its delivery was not waiting. */
  readonly takeBack: () => void;
  /** Adds a delivery as it is now. */
  readonly note: (ord: number) => void;
  /** Adds an attempt of a delivery that ended in another way meanwhile. Returns its row; undefined if it adds none. */
  readonly late: (row: SettlementRow, attempt: AttemptRow) => number | undefined;
  /** A delivery's attempts, oldest first. */
  readonly attempts: (ord: number) => AttemptRow[];
  /** Erases the headers and the answers of a delivery's attempts. */
  readonly erase: (ord: number) => void;
  /** Deletes the rows about a delivery. Returns the latest of them, to be given to `keep`. */
  readonly forget: (ord: number) => number;
  /** Notes that rows up to this one were deleted. */
  readonly keep: (after: number) => void;
  /** Notes that this row was deleted, of which nobody misses anything who may follow the rest. */
  readonly leave: (seq: number) => void;
}

/** The rows about the delivery ?1, from the latest on. */
const CHAIN = `
  WITH RECURSIVE chain (seq, previous) AS (
    SELECT seq, previous FROM journal WHERE seq = (SELECT journal FROM deliveries WHERE ord = ?1)
    UNION ALL SELECT j.seq, j.previous FROM chain JOIN journal AS j ON j.seq = chain.previous)`;

const NO_ATTEMPT = ATTEMPT.fields.map(() => null);

export function createJournal(db: Database): Journal {
  const { at } = SETTLEMENT;
  const selectLast = db.prepare<[seq: number | null]>('SELECT max(seq) FROM journal');
  const selectKept = db.prepare<[after: number]>('SELECT after FROM journal_kept');
  const selectDeleted = db.prepare<[seq: number]>('SELECT max(after, ended) FROM journal_kept');
  const insert = db.prepare(`
    INSERT INTO journal (seq, ord, previous, state, reason, at, attempts, status, ${ATTEMPT.columns})
    VALUES (?1, ?2, (SELECT journal FROM deliveries WHERE ord = ?2), ?3, ?4, ?5, ?6,
      iif(?7 = 0, (SELECT last_status FROM deliveries WHERE ord = ?2), ?7), ${ATTEMPT.holes})`);
  const insertAsItIs = db.prepare(`
    INSERT INTO journal (seq, ord, previous, state, reason, at, attempts, status, ${ATTEMPT.columns})
    SELECT ?1, ?2, journal, state, reason, iif(state = 0, due_at, finished_at), attempts, last_status,
      ${ATTEMPT.holes}
    FROM deliveries WHERE ord = ?2`);
  const count = db.prepare(`
    UPDATE deliveries SET attempts = max(attempts, ?2), last_status = iif(?3 = 0, last_status, ?3) WHERE ord = ?1`);
  const point = db.prepare('UPDATE deliveries SET journal = ?2 WHERE ord = ?1');
  const selectTries = db.prepare<[id: string, attempts: number, isErased: number]>(`
    SELECT d.id, d.attempts, e.body IS NULL FROM deliveries AS d JOIN events AS e ON e.key = d.event
    WHERE d.ord = ?`);
  const selectNumber = db.prepare(`
    ${CHAIN} SELECT 1 FROM chain JOIN journal AS j USING (seq) WHERE j.number = ?2`);
  const selectAttempts = db.prepare<AttemptRow>(`
    ${CHAIN} SELECT ${ATTEMPT.columns} FROM chain JOIN journal AS j USING (seq)
    WHERE j.number IS NOT NULL ORDER BY j.number`);
  const eraseAnswers = db.prepare(`
    ${CHAIN} UPDATE journal SET headers = NULL, body = NULL WHERE seq IN (SELECT seq FROM chain)`);
  const selectLatest = db.prepare<[seq: number | null]>('SELECT journal FROM deliveries WHERE ord = ?');
  const remove = db.prepare<[previous: number | null]>(
    'DELETE FROM journal WHERE seq = ? RETURNING previous',
  );
  const updateKept = db.prepare('UPDATE journal_kept SET after = max(after, ?)');
  const updateEnded = db.prepare('UPDATE journal_kept SET ended = max(ended, ?)');

  const keptAfter = (): number => selectKept.get()?.[0] ?? 0;
  // A row that was deleted must not come again: a watcher who reads on from it would miss the new one.
  const readLast = (): number => Math.max(selectLast.get()?.[0] ?? 0, selectDeleted.get()?.[0] ?? 0);
  let last = readLast();

  function add(ord: number, attempt: AttemptRow | null): number {
    last++;
    insertAsItIs.run(last, ord, ...(attempt ?? NO_ATTEMPT));
    point.run(ord, last);
    return last;
  }

  return {
    last: () => last,
    keptAfter,
    reload() {
      last = readLast();
    },
    settle(row) {
      const attempt = row[at.attempt] ?? NO_ATTEMPT;
      insert.run(
        ++last,
        row[at.ord],
        row[at.to],
        row[at.reason],
        row[at.at],
        row[at.attempts],
        row[at.status],
        ...attempt,
      );
      return last;
    },
    strip(row) {
      const attempt = row[at.attempt];
      if (attempt === null) return;
      const [, , isErased] = selectTries.get(row[at.ord]) ?? [];
      if (isErased === 1) row[at.attempt] = withoutData(attempt);
    },
    takeBack: () => void remove.get(last--),
    note: (ord) => void add(ord, null),
    late(row, attempt) {
      const ord = row[at.ord];
      const number = attempt[ATTEMPT.at.number];
      const [id, known, isErased] = selectTries.get(ord) ?? [];
      // The delivery is gone even from history. A row about it would never be swept.
      if (id !== row[at.id]) return undefined;
      // The same attempt may be reported again by a dispatcher that was not told of the commit.
      if (number <= known! && selectNumber.get(ord, number) !== undefined) return undefined;
      count.run(ord, row[at.attempts], row[at.status]);
      return add(ord, isErased === 1 ? withoutData(attempt) : attempt);
    },
    attempts: (ord) => selectAttempts.all(ord),
    erase: (ord) => void eraseAnswers.run(ord),
    forget(ord) {
      const latest = selectLatest.get(ord)?.[0] ?? null;
      for (let seq = latest; seq !== null; seq = remove.get(seq)?.[0] ?? null);
      return latest ?? 0;
    },
    keep: (after) => void updateKept.run(after),
    leave: (seq) => void updateEnded.run(seq),
  };
}

function withoutData(attempt: AttemptRow): AttemptRow {
  const without: AttemptRow = [...attempt];
  without[ATTEMPT.at.headers] = null;
  without[ATTEMPT.at.body] = null;
  return without;
}
