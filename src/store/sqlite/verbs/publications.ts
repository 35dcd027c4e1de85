import { exceededBound } from '../../../domain/delivery/waiting-bounds.ts';
import type { Context } from '../context.ts';
import {
  CONFLICT,
  FULL_ALL,
  FULL_NAMESPACE,
  type PublicationRow,
  type PublishCode,
  type ReplayRow,
  type Verbs,
} from '../protocol.ts';
import type { EventRow } from '../rows/tuples.ts';
import { createInsertion } from './insertion.ts';

export function publishVerbs(context: Context): Pick<Verbs, 'publish' | 'replay'> {
  const { db, waiting, bounds, hooks } = context;
  const insertion = createInsertion(context);
  const selectKnown = db.prepare<PublishCode & [eventId: string, deliveries: number]>(
    'SELECT id, deliveries FROM events WHERE id = ?',
  );
  const recall = db.prepare<[eventId: string, digest: string, deliveries: number]>(`
    SELECT id, digest, made FROM events
    WHERE namespace = ? AND caller_id = ? AND known_until > ? ORDER BY key DESC LIMIT 1`);
  const countFailures = db.prepare(
    'UPDATE webhooks SET filter_failures = filter_failures + ? WHERE id = ? AND removed_at IS NULL',
  );
  const selectEvent = db.prepare<[key: number, type: string]>(
    'SELECT key, type FROM events WHERE id = ? AND body IS NOT NULL',
  );
  const adopt = db.prepare('UPDATE events SET deliveries = deliveries + 1 WHERE key = ?');

  /** What is known of the caller's name for the event, if it is still to be remembered. */
  function recalled([, callerId, namespace, ...rest]: EventRow, digest: string): PublishCode | undefined {
    const createdAt = rest[7];
    const known = recall.get(namespace, callerId, createdAt);
    if (known === undefined) return undefined;
    const [eventId, knownDigest, deliveries] = known;
    return knownDigest === digest ? [eventId, deliveries] : CONFLICT;
  }

  function publishOne([event, dueAt, run, asked, remember]: PublicationRow, ords: number[]): PublishCode {
    const known = remember && recalled(event, remember[0]);
    if (known) return known;
    const webhooks = asked.map(([, webhookId]) => hooks.get(webhookId));
    const there = webhooks.filter((hook) => hook !== undefined);
    const bound = exceededBound({ webhooks: there, run: run === 1 }, waiting, bounds);
    if (bound !== undefined) return bound === 'ALL' ? FULL_ALL : FULL_NAMESPACE;
    const places = insertion.event(event, there.length, remember);
    // Ids are made new for each event: it is the same publication once more.
    if (places === undefined) return selectKnown.get(event[0])!;
    const more = { dueAt, run, createdAt: event[10], replayOf: null };
    let { ord } = places;
    for (const [i, delivery] of asked.entries()) {
      const hook = webhooks[i];
      if (hook !== undefined) insertion.delivery(delivery, hook, { ...places, ord }, more);
      ords.push(hook === undefined ? 0 : ord++);
    }
    return there.length;
  }

  function replayOne([eventId, delivery, replayOf, now]: ReplayRow, ords: number[]) {
    const [event, type] = selectEvent.get(eventId) ?? [];
    const hook = hooks.get(delivery[1]);
    if (event === undefined || type === undefined || hook === undefined) return 'GONE';
    if (exceededBound({ webhooks: [hook], run: false }, waiting, bounds) !== undefined) return 'FULL';
    adopt.run(event);
    const ord = context.takeOrds(1);
    const more = { dueAt: now, run: 0, createdAt: now, replayOf: replayOf ?? '' } as const;
    insertion.delivery(delivery, hook, { event, type, ord }, more);
    ords.push(ord);
    return 'REPLAYED';
  }

  return {
    publish(rows) {
      const failures = new Map<string, number>();
      for (const [, , , , , failed] of rows) {
        for (const id of failed ?? []) failures.set(id, (failures.get(id) ?? 0) + 1);
      }
      for (const [id, count] of failures) countFailures.run(count, id);
      const ords: number[] = [];
      const results = rows.map((row) => publishOne(row, ords));
      context.grew();
      return { results, ords };
    },
    replay(rows) {
      const ords: number[] = [];
      const results = rows.map((row) => replayOne(row, ords));
      context.grew();
      return { results, ords };
    },
  };
}
