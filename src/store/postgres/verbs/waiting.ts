import { HELD, IS_RENDERED, type RenderedCode, TO_RENDER } from '../../rows/codes.ts';
import { type ContentRow, MADE, type MadeRow } from '../../rows/messages.ts';
import {
  EVENT_BODY,
  type EventBodyRow,
  RENDERED,
  type RenderedRow,
  WAITING,
  type WaitingRow,
} from '../../rows/tables.ts';
import { insertMany } from '../columns.ts';
import type { Context } from '../context.ts';
import type { Database } from '../database.ts';
import { JOINED } from '../joins.ts';
import type { Verbs } from '../protocol.ts';
import { RENDERINGS } from './insertion.ts';

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
export function selectEnding(db: Database): Promise<WaitingRow[]> {
  return db
    .prepare<WaitingRow>(
      `SELECT ${WAITING.columns} FROM @waiting AS d ${JOINED} WHERE d.ending > 0 ORDER BY d.ord LIMIT ${ENDING_MAX}`,
    )
    .all();
}

/** Reads waiting deliveries by their ids, in the order of these. */
export function waitingReader(db: Database): (ids: readonly string[]) => Promise<WaitingRow[]> {
  const select = db.prepare<WaitingRow>(
    `SELECT ${WAITING.columns} FROM @waiting AS d ${JOINED} WHERE d.id = ANY(?)`,
  );
  return async (ids) => {
    if (ids.length === 0) return [];
    const rows = new Map((await select.all(ids)).map((row) => [row[WAITING.at.id], row]));
    return ids.map((id) => rows.get(id)).filter((row) => row !== undefined);
  };
}

export function waitingVerbs({ db, hooks }: Context): WaitingVerbs {
  const { at } = WAITING;
  // One search of the index for each webhook: to read every row and group them could take seconds.
  const lanes = db.prepare<[webhookId: string, dueAt: number]>(`
    SELECT w.id, first.due_at FROM @webhooks AS w
    CROSS JOIN LATERAL (
      SELECT d.due_at FROM @waiting AS d WHERE d.webhook = w.key ORDER BY d.due_at, d.ord LIMIT 1) AS first
    WHERE w.id > ? AND w.removed_at IS NULL ORDER BY w.id LIMIT ?`);
  const byDue = db.prepare<WaitingRow>(`
    SELECT ${WAITING.columns} FROM @waiting AS d ${JOINED}
    WHERE d.webhook = ? AND d.due_at < ${HELD} ORDER BY d.due_at, d.ord LIMIT ?`);
  const byPlace = db.prepare<WaitingRow>(`
    SELECT ${WAITING.columns} FROM @waiting AS d ${JOINED}
    WHERE d.webhook = ? ORDER BY d.first_due_at, d.ord LIMIT ?`);
  const selectEvents = db.prepare<EventBodyRow>(
    `SELECT ${EVENT_BODY.columns} FROM @events WHERE id = ANY(?) AND body IS NOT NULL`,
  );
  const selectRendered = db.prepare<[id: string, ...RenderedRow]>(
    `SELECT id, ${RENDERED.columns} FROM @renderings WHERE id = ANY(?)`,
  );
  const selectMade = db.prepare<
    [id: string, namespace: string, eventId: string, format: number, rendered: RenderedCode]
  >(`
    SELECT d.id, d.namespace, e.id, d.format, d.rendered FROM @deliveries AS d JOIN @events AS e ON e.key = d.event
    WHERE d.id = ANY(?)`);
  const noteMade = db.prepare(`
    UPDATE @waiting SET format = ?2, rendered = ?3 WHERE id = ?1 AND rendered = ${TO_RENDER}`);
  const keepRendered = insertMany(
    db,
    '@renderings',
    RENDERINGS,
    'ON CONFLICT (id) DO UPDATE SET headers = excluded.headers, content_type = excluded.content_type, body = excluded.body',
  );

  async function eventsOf(ids: readonly string[]): Promise<Map<string, EventBodyRow>> {
    return new Map((await selectEvents.all(ids)).map((row) => [row[EVENT_BODY.at.id], row]));
  }

  async function renderedOf(ids: readonly string[]): Promise<Map<string, RenderedRow>> {
    return new Map((await selectRendered.all(ids)).map(([id, ...row]) => [id, row]));
  }

  async function topUpOne(webhookId: string, limit: number, isOrdered: boolean) {
    const hook = hooks.get(webhookId);
    if (hook === undefined) return { rows: [], more: null };
    // One more than asked for, to see when the rest begins.
    const found = await (isOrdered ? byPlace : byDue).all(hook.key, limit + 1);
    const next = found[limit];
    return { rows: next === undefined ? found : found.slice(0, limit), more: next?.[at.dueAt] ?? null };
  }

  async function keepOne(row: MadeRow): Promise<void> {
    const [id, rendered] = [row[MADE.at.id], row[MADE.at.rendered]];
    const how = rendered === null ? 0 : IS_RENDERED;
    const changes = await noteMade.run(id, row[MADE.at.format], how);
    if (changes !== 0 && rendered !== null) await keepRendered([[id, ...rendered]]);
  }

  return {
    waitingLanes: (args) => lanes.all(...args),

    async topUp(rows) {
      await hooks.load(rows.map(([webhookId]) => webhookId));
      return Promise.all(
        rows.map(([webhookId, limit, isOrdered]) => topUpOne(webhookId, limit, isOrdered === 1)),
      );
    },

    async getEventBodies(ids) {
      const events = await eventsOf(ids);
      return ids.map((id) => events.get(id));
    },

    async getRendered(ids) {
      const rendered = await renderedOf(ids);
      return ids.map((id) => rendered.get(id));
    },

    async getContents(keys) {
      const made = new Map((await selectMade.all(keys.map(([, id]) => id))).map(([id, ...row]) => [id, row]));
      const [events, rendered] = await Promise.all([
        eventsOf([...made.values()].map(([, eventId]) => eventId)),
        renderedOf([...made.keys()]),
      ]);
      return keys.map(([namespace, id]): ContentRow | undefined => {
        const [owner, eventId = '', format = 0, how] = made.get(id) ?? [];
        if (owner !== namespace || how === TO_RENDER) return undefined;
        const event = events.get(eventId);
        const what = how === IS_RENDERED ? rendered.get(id) : null;
        // Both are erased together.
        return event === undefined || what === undefined ? undefined : [event, format, what];
      });
    },

    async keepMade(rows) {
      for (const row of rows) await keepOne(row);
      return null;
    },
  };
}
