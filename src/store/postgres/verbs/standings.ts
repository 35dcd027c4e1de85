import { CANCELLED, type Flag, PENDING, REMOVED, type StateCode, SUCCEEDED } from '../../rows/codes.ts';
import { as, field, integer, layout, orNull, type RowOf, readFrom, text } from '../../rows/layout.ts';
import { SETTLEMENT, type SettlementRow } from '../../rows/messages.ts';
import { type Cell, type Column, manyOf } from '../columns.ts';
import type { Database } from '../database.ts';
import { JOINED } from '../joins.ts';
import type { Entry } from '../journal.ts';
import { apart, dayOfFinished } from '../space/days.ts';

/** How deliveries stand, while settlements are applied to them one after the other. */
const STANDING = layout(
  field('id', text, 'd.id'),
  field('namespace', text, 'd.namespace'),
  field('webhook', integer, 'd.webhook'),
  field('state', as<StateCode>(), 'd.state'),
  field('reason', integer, 'd.reason'),
  field('ending', integer, 'd.ending'),
  field('dueAt', integer, 'd.due_at'),
  field('finishedAt', orNull(integer), 'd.finished_at'),
  field('attempts', integer, 'd.attempts'),
  field('attemptsBefore', integer, 'd.attempts_before'),
  field('lastStatus', integer, 'd.last_status'),
  field('message', orNull(text), 'd.message'),
  field('isErased', as<Flag>(), '(e.body IS NULL)::integer'),
);

/** The same of one that waits. */
const WAITS = readFrom(STANDING, {
  state: `${PENDING}`,
  reason: '0',
  finishedAt: 'NULL::bigint',
  message: 'NULL',
});

export interface Standing {
  readonly id: string;
  readonly namespace: string;
  readonly webhook: number;
  /** Whether its row is among those that wait. */
  readonly waits: boolean;
  readonly ending: number;
  readonly isErased: boolean;
  state: StateCode;
  reason: number;
  dueAt: number;
  finishedAt: number | null;
  attempts: number;
  attemptsBefore: number;
  lastStatus: number;
  message: string | null;
  isChanged: boolean;
}

export interface Standings {
  readonly read: (ids: readonly string[]) => Promise<Map<string, Standing>>;
  /** Writes those that were changed. */
  readonly write: (standings: Iterable<Standing>) => Promise<void>;
}

const FINISHED: readonly Column[] = [
  ['id', 'text'],
  ['state', 'smallint'],
  ['reason', 'smallint'],
  ['message', 'text'],
  ['finished_at', 'bigint'],
  ['attempts', 'integer'],
  ['attempts_before', 'integer'],
  ['last_status', 'smallint'],
  ['day', 'integer'],
];

/** What stays as it is when a delivery is finished. */
const STAYING =
  'ord, namespace, webhook, event, type, due_at, first_due_at, run, turn, format, rendered, replay_of, created_at';

export function createStandings(db: Database): Standings {
  const { at } = STANDING;
  const select = db.prepare<RowOf<typeof STANDING>>(`
    SELECT ${STANDING.columns} FROM @deliveries AS d ${JOINED} WHERE d.id = ANY(?)`);
  // Nearly all of them wait, and nothing of history is touched then.
  const selectWaiting = db.prepare<RowOf<typeof STANDING>>(`
    SELECT ${WAITS.columns} FROM @waiting AS d ${JOINED} WHERE d.id = ANY(?)`);
  const postpone = db.prepare(`
    UPDATE @waiting SET due_at = ?, attempts = ?, attempts_before = ?, last_status = ? WHERE id = ?`);
  const update = db.prepare(`
    UPDATE @history SET state = ?, reason = ?, message = ?, finished_at = ?, attempts = ?, attempts_before = ?,
      last_status = ?, apart = ${apart('?::integer')}
    WHERE id = ?`);
  const given = manyOf(FINISHED);
  // The ids are the first of the values. What waits is found by them alone: joined with a list, it would be read whole.
  const finish = db.prepare(`
    WITH gone AS (DELETE FROM @waiting WHERE id = ANY(?1::text[]) RETURNING *)
    INSERT INTO @history (id, state, reason, message, finished_at, attempts, attempts_before, last_status, apart,
      ${STAYING})
    SELECT given.id, given.state, given.reason, given.message, given.finished_at, given.attempts,
      given.attempts_before, given.last_status, ${apart('given.day')}, ${STAYING.replaceAll(/(\w+)/g, 'gone.$1')}
    FROM gone JOIN ${given.from} ON given.id = gone.id`);

  return {
    async read(ids) {
      const rows = await selectWaiting.all([...new Set(ids)]);
      const found = new Set(rows.map((row) => row[at.id]));
      const others = [...new Set(ids)].filter((id) => !found.has(id));
      if (others.length > 0) rows.push(...(await select.all(others)));
      return new Map(
        rows.map((row): [string, Standing] => [
          row[at.id],
          {
            id: row[at.id],
            namespace: row[at.namespace],
            webhook: row[at.webhook],
            waits: row[at.state] === PENDING,
            ending: row[at.ending],
            isErased: row[at.isErased] === 1,
            state: row[at.state],
            reason: row[at.reason],
            dueAt: row[at.dueAt],
            finishedAt: row[at.finishedAt],
            attempts: row[at.attempts],
            attemptsBefore: row[at.attemptsBefore],
            lastStatus: row[at.lastStatus],
            message: row[at.message],
            isChanged: false,
          },
        ]),
      );
    },

    async write(standings) {
      const finished: Cell[][] = [];
      const others: Promise<number>[] = [];
      for (const each of standings) {
        if (!each.isChanged) continue;
        const { id, state, reason, message, finishedAt, attempts, attemptsBefore, lastStatus } = each;
        if (state === PENDING) {
          others.push(postpone.run(each.dueAt, attempts, attemptsBefore, lastStatus, id));
        } else if (each.waits) {
          const day = dayOfFinished(id, finishedAt!);
          finished.push([id, state, reason, message, finishedAt, attempts, attemptsBefore, lastStatus, day]);
        } else {
          const day = dayOfFinished(id, finishedAt!);
          const how = [state, reason, message, finishedAt, attempts, attemptsBefore, lastStatus, day];
          others.push(update.run(...how, id));
        }
      }
      await Promise.all([finished.length > 0 && finish.run(...given.values(finished)), ...others]);
    },
  };
}

// ── Rules ──────────────────────────────────────────────────────────────────────────────────────────

/** Moves a delivery to where a settlement says. Returns the entry of the journal about it; undefined if it stays. */
export function move(row: SettlementRow, standing: Standing): Entry | undefined {
  const { at } = SETTLEMENT;
  const to = row[at.to];
  if (standing.state !== PENDING) return undefined;
  // The dispatcher may give a delivery up before it hears that a caller has had it sent again. It goes on then.
  if (to === CANCELLED && row[at.ending] > 0 && standing.ending === 0) return undefined;
  const when = row[at.at];
  const status = row[at.status] === 0 ? standing.lastStatus : row[at.status];
  count(row, standing);
  if (to === PENDING) {
    standing.dueAt = when;
    standing.attemptsBefore = Math.max(standing.attemptsBefore, row[at.attemptsBefore]);
  } else {
    standing.state = to;
    standing.reason = row[at.reason];
    standing.message = row[at.message];
    standing.finishedAt = when;
  }
  const { id: delivery, namespace, webhook } = standing;
  const { [at.attempts]: attempts, [at.reason]: reason, [at.attempt]: attempt } = row;
  return { delivery, namespace, webhook, state: to, reason, at: when, attempts, status, attempt };
}

/** Its webhook was removed while it was in flight, and it arrived all the same. Whether it did. */
export function succeedLate(row: SettlementRow, standing: Standing): boolean {
  const { at } = SETTLEMENT;
  const wasRemoved = standing.state === CANCELLED && standing.reason === REMOVED;
  if (standing.state !== PENDING && !wasRemoved) return false;
  standing.state = SUCCEEDED;
  standing.reason = 0;
  standing.finishedAt = row[at.at];
  standing.isChanged = true;
  return true;
}

/** Counts an attempt of a delivery that ended in another way meanwhile. Returns the entry of the journal about it. */
export function noteLate(row: SettlementRow, standing: Standing): Entry {
  count(row, standing);
  const { id: delivery, namespace, webhook, state, reason, attempts, lastStatus: status } = standing;
  const at = state === PENDING ? standing.dueAt : standing.finishedAt!;
  return {
    delivery,
    namespace,
    webhook,
    state,
    reason,
    at,
    attempts,
    status,
    attempt: row[SETTLEMENT.at.attempt],
  };
}

function count(row: SettlementRow, standing: Standing): void {
  const { at } = SETTLEMENT;
  standing.attempts = Math.max(standing.attempts, row[at.attempts]);
  if (row[at.status] !== 0) standing.lastStatus = row[at.status];
  standing.isChanged = true;
}
