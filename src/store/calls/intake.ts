import type { WaitingDelivery } from '../../domain/delivery/delivery.ts';
import { createArrivals } from '../../domain/delivery/order.ts';
import type {
  Backfill,
  Intake,
  NewDelivery,
  Publication,
  PublishResult,
  Replay,
  RunFiring,
} from '../intake.ts';
import { pack } from '../rows/bytes.ts';
import { type Due, fresh, fromWaitingRow } from '../rows/delivery.ts';
import { bytesOf, toBackfillRow, toFiringRow, toPublicationRow, toReplayRow } from '../rows/event.ts';
import {
  CONFLICT,
  DELETED_NAMESPACE,
  FULL,
  type MoveRow,
  type PublishCode,
  SUSPENDED_NAMESPACE,
} from '../rows/messages.ts';
import { WAITING, type WaitingRow } from '../rows/tables.ts';
import { toCursorRow } from '../rows/webhook.ts';
import { type Connection, ONE_ROW, rowsUpTo, sized } from './connection.ts';
import type { Answer } from './shapes.ts';

export function intake({ client, feed }: Connection): Intake {
  const placeOf = createArrivals();

  function notePublished(batch: readonly Placed<Publication>[], { results, ords }: Answer<'publish'>): void {
    let next = 0;
    for (const [i, { event, deliveries, dueAt, firstDueAt }] of batch.entries()) {
      const result = results[i]!;
      if (typeof result !== 'number' || result < 0) continue;
      const added: WaitingDelivery[] = [];
      for (const delivery of deliveries) {
        const ord = ords[next++]!;
        if (ord > 0) added.push(fresh(ord, delivery, event.id, { dueAt, firstDueAt }));
      }
      feed.deliveries(added, event);
    }
    feed.announce();
  }

  function noteReplayed(batch: readonly Placed<Replay>[], { results, ords }: Answer<'replay'>): void {
    const made = batch.filter((_, i) => results[i] === 'REPLAYED');
    feed.deliveries(
      made.flatMap(({ eventId, delivery, replayOf, now, firstDueAt }, i) => {
        const ord = ords[i]!;
        if (ord === 0) return [];
        const row = fresh(ord, delivery, eventId, { dueAt: now, firstDueAt });
        return [replayOf === undefined ? row : { ...row, replayOf }];
      }),
    );
    feed.announce();
  }

  function noteFired(batch: readonly Placed<RunFiring>[], answer: Answer<'fireRuns'>): void {
    const { results, ords, ending } = answer;
    const held = answer.held.values();
    feed.deliveries(ending.map(fromWaitingRow));
    // A run can be superseded by a later firing of its own batch.
    const marked = new Set(ending.map((row) => row[WAITING.at.ord]));
    let next = 0;
    for (const [i, { runs, now, firstDueAt }] of batch.entries()) {
      if (results[i] !== 'FIRED' && results[i] !== 'KNOWN') continue;
      for (const { event, delivery } of runs) {
        const ord = ords[next++]!;
        if (ord === 0) continue;
        const row = freshRun(ord, delivery, event.id, { dueAt: now, firstDueAt }, held);
        feed.deliveries([marked.has(row.ord) ? { ...row, ending: 'SUPERSEDED' } : row], event);
      }
    }
    feed.announce();
  }

  function noteBackfilled(batch: readonly Placed<Backfill>[], answer: Answer<'backfillRuns'>): void {
    const { results, ords } = answer;
    const held = answer.held.values();
    let next = 0;
    for (const [i, { runs, now, firstDueAt }] of batch.entries()) {
      const result = results[i];
      if (result === undefined || result === 'STALE') continue;
      for (const [j, { event, delivery }] of runs.entries()) {
        if (result[j] !== 'FIRED') continue;
        feed.deliveries(
          [freshRun(ords[next++]!, delivery, event.id, { dueAt: now, firstDueAt }, held)],
          event,
        );
      }
    }
    feed.announce();
  }

  return {
    publish: async (batch) => {
      const packed = pack(batch.flatMap(({ event, deliveries }) => bytesOf(event, deliveries)));
      const placed = batch.map((each) => placedAt(each, placeOf(each.dueAt, each.event.createdAt)));
      const args = placed.map((each) => toPublicationRow(each, each.firstDueAt, packed));
      const deliveries = batch.reduce((sum, publication) => sum + publication.deliveries.length, 0);
      return client.call('publish', args, packed.size(batch.length + deliveries), (answer) => {
        notePublished(placed, answer);
        return answer.results.map(publishResult);
      });
    },

    replay: async (batch) => {
      const packed = pack(batch.flatMap(({ delivery }) => bytesOf(undefined, [delivery])));
      const placed = batch.map((each) => placedAt(each, placeOf(each.now, each.now)));
      const args = placed.map((each) => toReplayRow(each, each.firstDueAt, packed));
      return client.call('replay', args, packed.size(batch.length), (answer) => {
        noteReplayed(placed, answer);
        return answer.results;
      });
    },

    upcomingRuns: async ({ before, limit, after }) =>
      client.call(
        'upcomingRuns',
        [before, limit, after?.dueAt ?? Number.MIN_SAFE_INTEGER, after?.webhookId ?? ''],
        rowsUpTo(limit),
        (found) => found.map(([webhookId, dueAt]) => ({ webhookId, dueAt })),
      ),

    cursorsToRenew: async ({ movedAfter, zoneRules, after }) =>
      client.call(
        'cursorsToRenew',
        [movedAfter, zoneRules, after?.dueAt ?? Number.MIN_SAFE_INTEGER, after?.webhookId ?? ''],
        ONE_ROW,
        ({ ids, next }) => ({
          webhookIds: ids,
          ...(next !== null && { next: { webhookId: next[0], dueAt: next[1] } }),
        }),
      ),

    moveCursors: async (batch) => {
      const args = batch.map(
        ({ webhookId, version, from, to }): MoveRow => [webhookId, version, from, toCursorRow(to)],
      );
      return client.call('moveCursors', args, sized(batch), (results) => results);
    },

    fireRuns: async (batch) => {
      const runs = batch.flatMap((firing) => firing.runs);
      const packed = pack(runs.flatMap(({ event, delivery }) => bytesOf(event, [delivery])));
      const placed = batch.map((each) => placedAt(each, placeOf(each.now, each.now)));
      const args = placed.map((each) => toFiringRow(each, each.firstDueAt, packed));
      return client.call('fireRuns', args, packed.size(batch.length + runs.length), (answer) => {
        noteFired(placed, answer);
        return answer.results;
      });
    },

    backfillRuns: async (batch) => {
      const runs = batch.flatMap((backfill) => backfill.runs);
      const packed = pack(runs.flatMap(({ event, delivery }) => bytesOf(event, [delivery])));
      const placed = batch.map((each) => placedAt(each, placeOf(each.now, each.now)));
      const args = placed.map((each) => toBackfillRow(each, each.firstDueAt, packed));
      return client.call('backfillRuns', args, packed.size(batch.length + runs.length), (answer) => {
        noteBackfilled(placed, answer);
        return answer.results;
      });
    },
  };
}

/** What comes in, with the place that its deliveries have in ordered lanes. */
type Placed<T> = T & Pick<WaitingDelivery, 'firstDueAt'>;

function placedAt<T>(what: T, firstDueAt: number): Placed<T> {
  return { ...what, firstDueAt };
}

/** A run whose place is negative waits for its turn; it is the next of those that are held. */
function freshRun(
  ord: number,
  delivery: NewDelivery,
  eventId: string,
  due: Due,
  held: Iterator<WaitingRow>,
): WaitingDelivery {
  return ord < 0 ? fromWaitingRow(held.next().value) : fresh(ord, delivery, eventId, due);
}

function publishResult(code: PublishCode): PublishResult {
  if (typeof code !== 'number') {
    const [eventId, deliveries] = code;
    return { kind: 'DUPLICATE', eventId, deliveries };
  }
  switch (code) {
    case CONFLICT:
      return { kind: 'CONFLICT' };
    case FULL:
      return { kind: 'FULL' };
    case SUSPENDED_NAMESPACE:
      return { kind: 'SHUT', state: 'SUSPENDED' };
    case DELETED_NAMESPACE:
      return { kind: 'SHUT', state: 'DELETING' };
    default:
      return { kind: 'PUBLISHED', deliveries: code };
  }
}
