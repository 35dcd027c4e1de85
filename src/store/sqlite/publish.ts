import type { Context } from './context.ts';
import { createInsertion } from './insertion.ts';
import {
  CONFLICT,
  type EventRow,
  FULL_ALL,
  FULL_NAMESPACE,
  type PublicationRow,
  type PublishCode,
  type Verbs,
} from './protocol.ts';

export function publishVerbs(context: Context): Pick<Verbs, 'publish'> {
  const { db, waiting, bounds } = context;
  const insertion = createInsertion(context);
  const selectAlive = db.prepare('SELECT 1 FROM webhooks WHERE id = ? AND removed_at IS NULL');
  const selectEvent = db.prepare<[id: string, deliveries: number]>(
    'SELECT id, deliveries FROM events WHERE id = ?',
  );
  const recall = db.prepare<[eventId: string, digest: string, until: number, deliveries: number]>(`
    SELECT event_id, digest, until, deliveries FROM remembered WHERE namespace = ? AND caller_id = ?`);
  const remember = db.prepare(`
    INSERT OR REPLACE INTO remembered (namespace, caller_id, event_id, digest, until, deliveries)
    VALUES (?, ?, ?, ?, ?, ?)`);
  const countFailure = db.prepare(
    'UPDATE webhooks SET filter_failures = filter_failures + 1 WHERE id = ? AND removed_at IS NULL',
  );

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

  /** What is known of the caller's name for the event, if it is still to be remembered. */
  function recalled(
    [, namespace, callerId, , , , , , , , createdAt]: EventRow,
    digest: string,
  ): PublishCode | undefined {
    const [eventId, knownDigest, until, deliveries] = recall.get(namespace, callerId) ?? [];
    if (eventId === undefined || until! <= createdAt) return undefined;
    return knownDigest === digest ? [eventId, deliveries!] : CONFLICT;
  }

  function publishOne(row: PublicationRow, alive: (id: string) => boolean, ords: number[]): PublishCode {
    const [event, dueAt, run, asked, memory, failures] = row;
    for (const id of failures ?? []) countFailure.run(id);
    const [id, namespace, callerId] = event;
    const known = memory && recalled(event, memory[0]);
    if (known) return known;
    const count = asked.reduce((sum, [, webhookId]) => sum + (alive(webhookId) ? 1 : 0), 0);
    if (run === 0 && count > 0) {
      if (waiting.of(namespace) + count > bounds.namespaceWaitingMax) return FULL_NAMESPACE;
      if (waiting.total() + count > bounds.waitingMax) return FULL_ALL;
    }
    if (!insertion.event(event, count)) return selectEvent.get(id)!;
    for (const delivery of asked) {
      ords.push(alive(delivery[1]) ? insertion.waiting(delivery, event, dueAt, run) : 0);
    }
    if (memory) remember.run(namespace, callerId, id, memory[0], memory[1], count);
    return count;
  }

  return {
    publish(rows) {
      const alive = aliveness();
      const ords: number[] = [];
      return { results: rows.map((row) => publishOne(row, alive, ords)), ords };
    },
  };
}
