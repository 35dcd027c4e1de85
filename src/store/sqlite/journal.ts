import type { Database } from './database.ts';
import type { SettlementRow } from './protocol.ts';
import type { AttemptRow } from './rows/tuples.ts';

/** What happened to deliveries. The rows about one are a chain, which begins in the delivery's row. */
export interface Journal {
  /** The last row. */
  readonly last: () => number;
  /** The last row that was deleted: what follows it is whole. */
  readonly keptAfter: () => number;
  /** Reads anew where the end is, after a rollback. */
  readonly reload: () => void;
  /** Adds what is settled of a delivery, and returns the row. */
  readonly settle: (row: SettlementRow) => number;
  /** Leaves out of an attempt what tells of the event's data, if that was erased. */
  readonly strip: (row: SettlementRow) => void;
  /** Takes the last row back: its delivery was not waiting. */
  readonly takeBack: () => void;
  /** Adds a delivery as it is now. */
  readonly note: (ord: number) => void;
  /** Adds an attempt of a delivery that ended otherwise meanwhile. */
  readonly late: (row: SettlementRow, attempt: AttemptRow) => void;
  /** A delivery's attempts, oldest first. */
  readonly attempts: (ord: number) => AttemptRow[];
  /** Erases what destinations answered in a delivery's attempts, and the headers. */
  readonly erase: (ord: number) => void;
  /** Deletes all about a delivery. Returns its latest row, to be given to `keep`. */
  readonly forget: (ord: number) => number;
  /** Notes that rows up to this one were deleted. */
  readonly keep: (after: number) => void;
}

/** The rows about the delivery ?1, from the latest on. */
const CHAIN = `
  WITH RECURSIVE chain (seq, previous) AS (
    SELECT seq, previous FROM journal WHERE seq = (SELECT journal FROM deliveries WHERE ord = ?1)
    UNION ALL SELECT j.seq, j.previous FROM chain JOIN journal AS j ON j.seq = chain.previous)`;

const NO_ATTEMPT = [null, null, null, null] as const;

export function createJournal(db: Database): Journal {
  const selectLast = db.prepare<[seq: number | null]>('SELECT max(seq) FROM journal');
  const selectKept = db.prepare<[after: number]>('SELECT after FROM journal_kept');
  const insert = db.prepare(`
    INSERT INTO journal (seq, ord, previous, state, reason, at, attempts, status, number, facts, headers, body)
    VALUES (?1, ?2, (SELECT journal FROM deliveries WHERE ord = ?2), ?3, ?4, ?5, ?6,
      iif(?7 = 0, (SELECT last_status FROM deliveries WHERE ord = ?2), ?7), ?8, ?9, ?10, ?11)`);
  const insertAsItIs = db.prepare(`
    INSERT INTO journal (seq, ord, previous, state, reason, at, attempts, status, number, facts, headers, body)
    SELECT ?1, ord, journal, state, reason, iif(state = 0, due_at, finished_at), attempts, last_status,
      ?3, ?4, ?5, ?6
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
    ${CHAIN} SELECT j.number, j.facts, j.headers, j.body FROM chain JOIN journal AS j USING (seq)
    WHERE j.number IS NOT NULL ORDER BY j.number`);
  const eraseAnswers = db.prepare(`
    ${CHAIN} UPDATE journal SET headers = NULL, body = NULL WHERE seq IN (SELECT seq FROM chain)`);
  const selectLatest = db.prepare<[seq: number | null]>('SELECT journal FROM deliveries WHERE ord = ?');
  const remove = db.prepare<[previous: number | null]>(
    'DELETE FROM journal WHERE seq = ? RETURNING previous',
  );
  const updateKept = db.prepare('UPDATE journal_kept SET after = max(after, ?)');

  const keptAfter = (): number => selectKept.get()?.[0] ?? 0;
  // Never a row again that was deleted: whoever reads on from it would miss what comes.
  const readLast = (): number => Math.max(selectLast.get()?.[0] ?? 0, keptAfter());
  let last = readLast();

  function add(ord: number, attempt: AttemptRow | null): void {
    const [number, facts, headers, body] = attempt ?? NO_ATTEMPT;
    last++;
    insertAsItIs.run(last, ord, number, facts, headers, body);
    point.run(ord, last);
  }

  return {
    last: () => last,
    keptAfter,
    reload() {
      last = readLast();
    },
    settle([ord, , , to, reason, at, attempts, status, attempt]) {
      const [number, facts, headers, body] = attempt ?? NO_ATTEMPT;
      insert.run(++last, ord, to, reason, at, attempts, status, number, facts, headers, body);
      return last;
    },
    strip(row) {
      const attempt = row[8];
      if (attempt !== null && selectTries.get(row[0])?.[2] === 1) row[8] = withoutData(attempt);
    },
    takeBack: () => void remove.get(last--),
    note: (ord) => add(ord, null),
    late([ord, id, , , , , attempts, status], attempt) {
      const [knownId, known, isErased] = selectTries.get(ord) ?? [];
      // An attempt of a delivery that is gone even from history would never be swept.
      if (knownId !== id) return;
      // The same attempt may be reported again by a dispatcher that was not told of the commit.
      if (attempt[0] <= known! && selectNumber.get(ord, attempt[0]) !== undefined) return;
      count.run(ord, attempts, status);
      add(ord, isErased === 1 ? withoutData(attempt) : attempt);
    },
    attempts: (ord) => selectAttempts.all(ord),
    erase: (ord) => void eraseAnswers.run(ord),
    forget(ord) {
      const latest = selectLatest.get(ord)?.[0] ?? null;
      for (let seq = latest; seq !== null; seq = remove.get(seq)?.[0] ?? null);
      return latest ?? 0;
    },
    keep: (after) => void updateKept.run(after),
  };
}

function withoutData([number, facts]: AttemptRow): AttemptRow {
  return [number, facts, null, null];
}
