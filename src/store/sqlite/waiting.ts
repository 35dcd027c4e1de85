import type { Context } from './context.ts';
import type { EventRow, RenderedRow, Verbs, WaitingRow } from './protocol.ts';

/** In the order of `WaitingRow`. */
export const WAITING_COLUMNS =
  'ord, id, webhook_id, event_id, due_at, attempts, attempts_before, ending, format, rendered';

/** In the order of `EventRow`, without the body. */
export const EVENT_COLUMNS = `id, namespace, caller_id, type, source, subject, time, nominal_at, content_type, headers,
  created_at`;

export function waitingVerbs({
  db,
  removed,
}: Context): Pick<Verbs, 'waitingLanes' | 'topUp' | 'getEventBodies' | 'getRendered'> {
  const nextLane = db.prepare<[webhookId: string, dueAt: number]>(
    'SELECT webhook_id, due_at FROM waiting WHERE webhook_id > ? ORDER BY webhook_id, due_at LIMIT 1',
  );
  const byDue = db.prepare<WaitingRow>(
    `SELECT ${WAITING_COLUMNS} FROM waiting WHERE webhook_id = ? ORDER BY due_at, ord LIMIT ?`,
  );
  const byArrival = db.prepare<WaitingRow>(
    `SELECT ${WAITING_COLUMNS} FROM waiting WHERE webhook_id = ? ORDER BY ord LIMIT ?`,
  );
  const selectEvent = db.prepare<EventRow>(
    `SELECT ${EVENT_COLUMNS}, body FROM events WHERE id = ? AND purged = 0`,
  );
  const selectRendered = db.prepare<RenderedRow>(
    'SELECT headers, content_type, body FROM renderings WHERE delivery_id = ?',
  );

  return {
    /** One search of the index for each lane: reading a lane's every row to group them could take seconds. */
    waitingLanes([after, limit]) {
      const lanes: [webhookId: string, dueAt: number][] = [];
      let lane = nextLane.get(after);
      while (lane !== undefined && lanes.length < limit) {
        if (!removed.has(lane[0])) lanes.push(lane);
        lane = nextLane.get(lane[0]);
      }
      return lanes;
    },

    topUp: (lanes) =>
      lanes.map(([webhookId, limit, ordered]) => {
        if (removed.has(webhookId)) return { rows: [], more: null };
        // One more than asked for, to see when the rest begins.
        const rows = (ordered ? byArrival : byDue).all(webhookId, limit + 1);
        const next = rows[limit];
        return { rows: next === undefined ? rows : rows.slice(0, limit), more: next?.[4] ?? null };
      }),

    getEventBodies: (ids) => ids.map((id) => selectEvent.get(id)),
    getRendered: (ids) => ids.map((id) => selectRendered.get(id)),
  };
}
