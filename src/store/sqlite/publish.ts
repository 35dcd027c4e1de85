import type { Context } from './context.ts';
import { createInsertion } from './insertion.ts';
import type { PublicationRow, Verbs } from './protocol.ts';

export function publishVerbs(context: Context): Pick<Verbs, 'publish'> {
  const insertion = createInsertion(context);
  const selectAlive = context.db.prepare('SELECT 1 FROM webhooks WHERE id = ? AND removed_at IS NULL');

  /** Remembers its answers: a batch usually goes to few webhooks. */
  function aliveness(): (id: string) => boolean {
    const known = new Map<string, boolean>();
    return (id) => {
      let alive = known.get(id);
      if (alive === undefined) {
        alive = selectAlive.get(id) !== undefined;
        known.set(id, alive);
      }
      return alive;
    };
  }

  function publishOne(
    [event, dueAt, run, deliveries]: PublicationRow,
    alive: (id: string) => boolean,
    ords: number[],
  ) {
    if (!insertion.event(event, deliveries.length / 2)) return 'EXISTS';
    for (let i = 0; i < deliveries.length; i += 2) {
      const id = deliveries[i]!;
      const webhookId = deliveries[i + 1]!;
      if (alive(webhookId)) {
        ords.push(insertion.waiting(id, webhookId, event, dueAt, run));
      } else {
        // Removed between being matched and now. It was accepted, so it must be seen to have ended.
        insertion.cancelled(id, webhookId, event);
        ords.push(0);
      }
    }
    return 'PUBLISHED';
  }

  return {
    publish(rows) {
      const alive = aliveness();
      const ords: number[] = [];
      return { results: rows.map((row) => publishOne(row, alive, ords)), ords };
    },
  };
}
