import type { WaitingDelivery } from '../../../domain/delivery/delivery.ts';
import type {
  Backfill,
  Intake,
  NewDelivery,
  Publication,
  PublishResult,
  Replay,
  RunFiring,
} from '../../intake.ts';
import type { Answer } from '../protocol.ts';
import { pack } from '../rows/bytes.ts';
import { fresh, fromWaitingRow } from '../rows/delivery.ts';
import { bytesOf, toBackfillRow, toFiringRow, toPublicationRow, toReplayRow } from '../rows/event.ts';
import { CONFLICT, FULL, type MoveRow, type PublishCode } from '../rows/messages.ts';
import { WAITING } from '../rows/tables.ts';
import { toCursorRow } from '../rows/webhook.ts';
import { type Connection, ONE_ROW, rowsUpTo, sized } from './calls.ts';

export function intake({ client, feed }: Connection): Intake {
  function notePublished(batch: readonly Publication[], { results, ords }: Answer<'publish'>): void {
    let next = 0;
    for (const [i, { event, deliveries, dueAt }] of batch.entries()) {
      const result = results[i]!;
      if (typeof result !== 'number' || result < 0) continue;
      const added: WaitingDelivery[] = [];
      for (const delivery of deliveries) {
        const ord = ords[next++]!;
        if (ord > 0) added.push(fresh(ord, delivery, event.id, dueAt));
      }
      feed.deliveries(added, event);
    }
    feed.announce();
  }

  function noteReplayed(batch: readonly Replay[], { results, ords }: Answer<'replay'>): void {
    const made = batch.filter((_, i) => results[i] === 'REPLAYED');
    feed.deliveries(
      made.flatMap(({ eventId, delivery, replayOf, now }, i) => {
        const ord = ords[i]!;
        if (ord === 0) return [];
        return [{ ...fresh(ord, delivery, eventId, now), ...(replayOf !== undefined && { replayOf }) }];
      }),
    );
    feed.announce();
  }

  function noteFired(batch: readonly RunFiring[], { results, ords, ending }: Answer<'fireRuns'>): void {
    feed.deliveries(ending.map(fromWaitingRow));
    // A run can be superseded by a later firing of its own batch.
    const marked = new Set(ending.map((row) => row[WAITING.at.ord]));
    let next = 0;
    for (const [i, { runs, now }] of batch.entries()) {
      if (results[i] !== 'FIRED' && results[i] !== 'KNOWN') continue;
      for (const { event, delivery } of runs) {
        const ord = ords[next++]!;
        if (ord === 0) continue;
        const row = freshRun(ord, delivery, event.id, now);
        feed.deliveries([marked.has(row.ord) ? { ...row, ending: 'SUPERSEDED' } : row], event);
      }
    }
    feed.announce();
  }

  function noteBackfilled(batch: readonly Backfill[], { results, ords }: Answer<'backfillRuns'>): void {
    let next = 0;
    for (const [i, { runs, now }] of batch.entries()) {
      const result = results[i];
      if (result === undefined || result === 'STALE') continue;
      for (const [j, { event, delivery }] of runs.entries()) {
        if (result[j] === 'FIRED') feed.deliveries([freshRun(ords[next++]!, delivery, event.id, now)], event);
      }
    }
    feed.announce();
  }

  return {
    publish: async (batch) => {
      const packed = pack(batch.flatMap(({ event, deliveries }) => bytesOf(event, deliveries)));
      const args = batch.map((publication) => toPublicationRow(publication, packed));
      const deliveries = batch.reduce((sum, publication) => sum + publication.deliveries.length, 0);
      return client.call('publish', args, packed.size(batch.length + deliveries), (answer) => {
        notePublished(batch, answer);
        return answer.results.map(publishResult);
      });
    },

    replay: async (batch) => {
      const packed = pack(batch.flatMap(({ delivery }) => bytesOf(undefined, [delivery])));
      const args = batch.map((replay) => toReplayRow(replay, packed));
      return client.call('replay', args, packed.size(batch.length), (answer) => {
        noteReplayed(batch, answer);
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
      const args = batch.map((firing) => toFiringRow(firing, packed));
      return client.call('fireRuns', args, packed.size(batch.length + runs.length), (answer) => {
        noteFired(batch, answer);
        return answer.results;
      });
    },

    backfillRuns: async (batch) => {
      const runs = batch.flatMap((backfill) => backfill.runs);
      const packed = pack(runs.flatMap(({ event, delivery }) => bytesOf(event, [delivery])));
      const args = batch.map((backfill) => toBackfillRow(backfill, packed));
      return client.call('backfillRuns', args, packed.size(batch.length + runs.length), (answer) => {
        noteBackfilled(batch, answer);
        return answer.results;
      });
    },
  };
}

/** A run whose place is negative waits for its turn. */
function freshRun(ord: number, delivery: NewDelivery, eventId: string, now: number): WaitingDelivery {
  return fresh(Math.abs(ord), delivery, eventId, ord < 0 ? Number.POSITIVE_INFINITY : now);
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
    default:
      return { kind: 'PUBLISHED', deliveries: code };
  }
}
