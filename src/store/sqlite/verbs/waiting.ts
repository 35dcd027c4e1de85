import { HELD, IS_RENDERED, QUEUES, type RenderedCode, TO_RENDER } from '../../rows/codes.ts';
import { type ContentRow, MADE, type MadeRow } from '../../rows/messages.ts';
import {
  EVENT_BODY,
  type EventBodyRow,
  RENDERED,
  type RenderedRow,
  WAITING,
  type WaitingRow,
} from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Database } from '../database.ts';
import { JOINED } from '../joins.ts';
import type { Verbs } from '../protocol.ts';

type WaitingVerbs = Pick<
  Verbs,
  'waitingLanes' | 'topUp' | 'getEventBodies' | 'getRendered' | 'getContents' | 'keepMade'
>;

/** Deliveries that are handed over at a start; any others wait until they are due, or for the next start. */
const ENDING_MAX = 20_000;

/**
 * Deliveries that were to be given up, and that the dispatcher had not settled when the last process ended.
 * They can be due far ahead, or their webhook can be paused; until then nothing else would look at them.
 */
export function selectEnding(db: Database): WaitingRow[] {
  const select = db.prepare<WaitingRow>(`
    SELECT ${WAITING.columns} FROM deliveries AS d INDEXED BY deliveries_ending ${JOINED}
    WHERE d.state = 0 AND d.ending > 0 LIMIT ${ENDING_MAX}`);
  return select.all();
}

/** Reads one waiting delivery, by its place. */
export function waitingReader(db: Database): (ord: number) => WaitingRow {
  const select = db.prepare<WaitingRow>(
    `SELECT ${WAITING.columns} FROM deliveries AS d ${JOINED} WHERE d.ord = ?`,
  );
  return (ord) => select.get(ord)!;
}

export function waitingVerbs({ db, hooks }: Context): WaitingVerbs {
  const { at } = WAITING;
  // One search of the index for each webhook: to read every row and group them could take seconds.
  const lanes = db.prepare<[webhookId: string, dueAt: number]>(`
    SELECT id, due_at FROM (
      SELECT w.id, (
        SELECT d.due_at FROM deliveries AS d INDEXED BY deliveries_due
        WHERE d.webhook = w.key AND d.state = 0 ORDER BY d.due_at LIMIT 1) AS due_at
      FROM webhooks AS w WHERE w.id > ? AND w.removed_at IS NULL)
    WHERE due_at IS NOT NULL ORDER BY id LIMIT ?`);
  const byDue = db.prepare<WaitingRow>(`
    SELECT ${WAITING.columns} FROM deliveries AS d INDEXED BY deliveries_due ${JOINED}
    WHERE d.webhook = ? AND d.state = 0 AND d.due_at < ${HELD} ORDER BY d.due_at, d.ord LIMIT ?`);
  const byPlace = db.prepare<WaitingRow>(`
    SELECT ${WAITING.columns} FROM deliveries AS d INDEXED BY deliveries_lane ${JOINED}
    WHERE d.webhook = ? AND d.run = ? AND d.state = 0 ORDER BY d.first_due_at, d.ord LIMIT ?`);
  const selectEvent = db.prepare<EventBodyRow>(
    `SELECT ${EVENT_BODY.columns} FROM events WHERE id = ? AND body IS NOT NULL`,
  );
  const selectRendered = db.prepare<RenderedRow>(`
    SELECT ${RENDERED.columns} FROM renderings
    WHERE ord = (SELECT ord FROM deliveries WHERE id = ?)`);

  const selectMade = db.prepare<[eventId: string, format: number, rendered: RenderedCode]>(`
    SELECT e.id, d.format, d.rendered FROM deliveries AS d JOIN events AS e ON e.key = d.event
    WHERE +d.namespace = ? AND d.id = ?`);

  function contentOf([namespace, id]: [string, string]): ContentRow | undefined {
    const [eventId, format, how] = selectMade.get(namespace, id) ?? [];
    if (eventId === undefined || format === undefined || how === TO_RENDER) return undefined;
    const event = selectEvent.get(eventId);
    const rendered = how === IS_RENDERED ? selectRendered.get(id) : null;
    // Both are erased together.
    return event === undefined || rendered === undefined ? undefined : [event, format, rendered];
  }

  const noteMade = db.prepare(`
    UPDATE deliveries SET format = ?3, rendered = ?4
    WHERE ord = ?1 AND +id = ?2 AND state = 0 AND rendered = ${TO_RENDER}`);
  const keepRendered = db.prepare(
    `INSERT OR REPLACE INTO renderings (ord, ${RENDERED.columns}) VALUES (?, ${RENDERED.holes})`,
  );

  function keepOne(row: MadeRow): void {
    const [ord, rendered] = [row[MADE.at.ord], row[MADE.at.rendered]];
    const how = rendered === null ? 0 : IS_RENDERED;
    const { changes } = noteMade.run(ord, row[MADE.at.id], row[MADE.at.format], how);
    if (changes !== 0 && rendered !== null) keepRendered.run(ord, ...rendered);
  }

  /** The index has those of each queue of runs apart, so all are read and merged. */
  function inOrder(key: number, limit: number): WaitingRow[] {
    const rows = QUEUES.flatMap((queue) => byPlace.all(key, queue, limit));
    return rows.sort((a, b) => a[at.firstDueAt] - b[at.firstDueAt] || a[at.ord] - b[at.ord]).slice(0, limit);
  }

  return {
    waitingLanes: (args) => lanes.all(...args),

    topUp: (rows) =>
      rows.map(([webhookId, limit, ordered]) => {
        const hook = hooks.get(webhookId);
        if (hook === undefined) return { rows: [], more: null };
        // One more than asked for, to see when the rest begins.
        const found = ordered === 1 ? inOrder(hook.key, limit + 1) : byDue.all(hook.key, limit + 1);
        const next = found[limit];
        return { rows: next === undefined ? found : found.slice(0, limit), more: next?.[at.dueAt] ?? null };
      }),

    getEventBodies: (ids) => ids.map((id) => selectEvent.get(id)),
    getRendered: (ids) => ids.map((id) => selectRendered.get(id)),

    getContents: (ids) => ids.map(contentOf),

    keepMade(rows) {
      for (const row of rows) keepOne(row);
      return null;
    },
  };
}
