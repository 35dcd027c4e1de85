import { ATTEMPT, type AttemptRow } from '../rows/tables.ts';
import { type Cell, type Column, manyOf } from './columns.ts';
import type { Database } from './database.ts';
import { apart, dayOfDelivery, OPEN } from './space/days.ts';

/** What happened to deliveries, in the order in which it became durable. */
export interface Journal {
  /** The last row, and the last that was deleted: what follows that is whole. */
  readonly ends: () => Promise<{ readonly last: number; readonly keptAfter: number }>;
  /** Adds rows, and returns their places. */
  readonly add: (entries: readonly Entry[]) => Promise<number[]>;
  /** Adds deliveries as they are now. */
  readonly note: (ids: readonly string[]) => Promise<void>;
  /** Which attempts of these deliveries it has: their ids, with numbers. */
  readonly numbers: (ids: readonly string[]) => Promise<[delivery: string, number: number][]>;
  /** A delivery's attempts, oldest first. */
  readonly attempts: (id: string) => Promise<AttemptRow[]>;
  /** Moves rows about deliveries that are kept for longer than their days. Returns how many. */
  readonly setApart: (ids: readonly string[]) => Promise<number>;
  /** The delivery waits again, and is kept for longer than its day, if that is about to go. */
  readonly stay: (id: string) => Promise<void>;
  /** Erases the headers and the answers of attempts. */
  readonly erase: (ids: readonly string[]) => Promise<void>;
  /** Deletes the rows about deliveries. Returns the latest of them, to be given to `keep`. */
  readonly forget: (ids: readonly string[]) => Promise<number>;
  /** Notes that rows up to this one were deleted. */
  readonly keep: (after: number) => Promise<void>;
  /** Notes that this row was deleted, of which nobody misses anything who may follow the rest. */
  readonly leave: (seq: number) => Promise<void>;
}

/** The delivery as it is then; `at` is when it is due or was finished. */
export interface Entry {
  readonly delivery: string;
  readonly namespace: string;
  readonly webhook: number;
  readonly state: number;
  readonly reason: number;
  readonly at: number;
  readonly attempts: number;
  readonly status: number;
  readonly attempt: AttemptRow | null;
}

const COLUMNS: readonly Column[] = [
  ['delivery', 'text'],
  ['namespace', 'text'],
  ['webhook', 'bigint'],
  ['state', 'smallint'],
  ['reason', 'smallint'],
  ['at', 'bigint'],
  ['attempts', 'integer'],
  ['status', 'smallint'],
  ['number', 'integer'],
  ['facts', 'text'],
  ['headers', 'text'],
  ['body', 'bytea'],
  ['day', 'integer'],
];

export function createJournal(db: Database): Journal {
  const { from, values } = manyOf(COLUMNS);
  const names = COLUMNS.map(([name]) => name)
    .filter((name) => name !== 'day')
    .join(', ');
  const selectEnds = db.prepare<[last: number, keptAfter: number]>(`
    SELECT greatest(coalesce((SELECT max(seq) FROM @journal), 0), after, ended), after FROM @journal_kept`);
  const insert = db.prepare<[seq: number]>(
    `INSERT INTO @journal (${names}, apart) SELECT ${names}, ${apart('day')} FROM ${from} RETURNING seq`,
  );
  const insertAsTheyAre = db.prepare(`
    INSERT INTO @journal (delivery, namespace, webhook, state, reason, at, attempts, status, apart)
    SELECT id, namespace, webhook, state, reason, coalesce(finished_at, due_at), attempts, last_status,
      ${apart('(?2::integer[])[array_position(?1::text[], id)]')}
    FROM @deliveries WHERE id = ANY(?1::text[]) ORDER BY array_position(?1::text[], id)`);
  const selectNumbers = db.prepare<[delivery: string, number: number]>(
    'SELECT delivery, number FROM @journal WHERE delivery = ANY(?) AND number IS NOT NULL',
  );
  const selectAttempts = db.prepare<AttemptRow>(`
    SELECT ${ATTEMPT.columns} FROM @journal WHERE delivery = ? AND number IS NOT NULL ORDER BY number`);
  const eraseAnswers = db.prepare('UPDATE @journal SET headers = NULL, body = NULL WHERE delivery = ANY(?)');
  const setApart = db.prepare('UPDATE @journal SET apart = 1 WHERE delivery = ANY(?) AND apart = 0');
  const stay = db.prepare(`
    UPDATE @journal SET apart = 1 WHERE delivery = ?1 AND apart = 0
    AND NOT EXISTS (SELECT 1 FROM @days WHERE day = ?2 AND state = ${OPEN})`);
  const remove = db.prepare<[latest: number | null]>(`
    WITH gone AS (DELETE FROM @journal WHERE delivery = ANY(?) RETURNING seq) SELECT max(seq) FROM gone`);
  const updateKept = db.prepare('UPDATE @journal_kept SET after = greatest(after, ?)');
  const updateEnded = db.prepare('UPDATE @journal_kept SET ended = greatest(ended, ?)');

  return {
    async ends() {
      const [last = 0, keptAfter = 0] = (await selectEnds.get()) ?? [];
      return { last, keptAfter };
    },
    async add(entries) {
      if (entries.length === 0) return [];
      return (await insert.all(...values(entries.map(cellsOf)))).map(([seq]) => seq);
    },
    async note(ids) {
      if (ids.length > 0) await insertAsTheyAre.run(ids, ids.map(dayOfDelivery));
    },
    numbers: async (ids) => (ids.length === 0 ? [] : selectNumbers.all(ids)),
    attempts: (id) => selectAttempts.all(id),
    setApart: (ids) => setApart.run(ids),
    stay: async (id) => void (await stay.run(id, dayOfDelivery(id))),
    erase: async (ids) => void (await eraseAnswers.run(ids)),
    forget: async (ids) => (ids.length === 0 ? 0 : ((await remove.get(ids))?.[0] ?? 0)),
    keep: async (after) => void (await updateKept.run(after)),
    leave: async (seq) => void (await updateEnded.run(seq)),
  };
}

function cellsOf(entry: Entry): Cell[] {
  const { delivery, namespace, webhook, state, reason, at, attempts, status, attempt } = entry;
  return [
    delivery,
    namespace,
    webhook,
    state,
    reason,
    at,
    attempts,
    status,
    ...(attempt ?? [null, null, null, null]),
    dayOfDelivery(delivery),
  ];
}

/** An attempt without what shows the event's data. */
export function withoutData(attempt: AttemptRow): AttemptRow {
  const without: AttemptRow = [...attempt];
  without[ATTEMPT.at.headers] = null;
  without[ATTEMPT.at.body] = null;
  return without;
}
