import type { Context } from './context.ts';
import type { EventRow, Flag, NewDeliveryRow } from './protocol.ts';
import { EVENT_COLUMNS } from './waiting.ts';

/** How rows come in, for everything that publishes. */
export interface Insertion {
  /** False, and nothing inserted, if there is an event of this id. */
  event(row: EventRow, deliveries: number): boolean;
  /** Inserts a waiting delivery of the event, and returns its place. */
  waiting(row: NewDeliveryRow, event: EventRow, dueAt: number, run: Flag): number;
}

export function createInsertion({ db, takeOrd, waiting }: Context): Insertion {
  const insertEvent = db.prepare(`
    INSERT INTO events (${EVENT_COLUMNS}, body, deliveries)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`);
  const insertWaiting = db.prepare(`
    INSERT INTO waiting
      (ord, id, namespace, webhook_id, event_id, due_at, attempts, run, format, rendered, nominal_at, created_at)
    VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)`);
  const insertRendered = db.prepare(
    'INSERT INTO renderings (delivery_id, headers, content_type, body) VALUES (?, ?, ?, ?)',
  );

  return {
    event: (row, deliveries) => insertEvent.run(...row, deliveries).changes !== 0,
    waiting([id, webhookId, format, rendered], event, dueAt, run) {
      const [eventId, namespace] = event;
      const [nominalAt, createdAt] = [event[7], event[10]];
      const ord = takeOrd();
      insertWaiting.run(
        ord,
        id,
        namespace,
        webhookId,
        eventId,
        dueAt,
        run,
        format,
        rendered === null ? 0 : 1,
        nominalAt,
        createdAt,
      );
      if (rendered !== null) insertRendered.run(id, ...rendered);
      waiting.add(namespace, 1);
      return ord;
    },
  };
}
