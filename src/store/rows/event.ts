/** Between events, what is made of them, and their rows. */
import type { Event, EventBody, EventRecord, Rendered } from '../../domain/event/event.ts';
import type { DeliveryContent } from '../delivery-log.ts';
import type { MadeDelivery } from '../delivery-queue.ts';
import type { Backfill, NewDelivery, Publication, Replay, RunFiring } from '../intake.ts';
import { NO_BYTES, type Packed } from './bytes.ts';
import { BACKFILLED, FORMATS, RUN } from './codes.ts';
import type { LongRowOf } from './layout.ts';
import type {
  BackfillRow,
  ContentRow,
  FiringRow,
  MadeRow,
  NewDeliveryRow,
  PublicationRow,
  ReplayRow,
} from './messages.ts';
import {
  EVENT_BODY,
  EVENT_RECORD,
  type EventRecordRow,
  type EventRow,
  RENDERED,
  type RenderedRow,
} from './tables.ts';
import { toCursorRow } from './webhook.ts';

/** The bytes in an event and its deliveries, in the order in which their rows take the copies. */
export function bytesOf(
  event: Event | undefined,
  deliveries: readonly Pick<NewDelivery, 'rendered'>[],
): Uint8Array[] {
  const bytes = event === undefined ? [] : [event.body];
  for (const { rendered } of deliveries) if (rendered?.body !== undefined) bytes.push(rendered.body);
  return bytes;
}

export function toPublicationRow(
  publication: Publication,
  firstDueAt: number,
  { take }: Packed,
): PublicationRow {
  const { event, deliveries, dueAt, run, remember, filterFailures } = publication;
  if ((event.callerId === undefined) !== (remember === undefined)) {
    throw new Error(
      `event ${event.id} has a caller's id and nothing to remember it by, or the other way round`,
    );
  }
  return [
    toEventRow(event, take()),
    dueAt,
    firstDueAt,
    run ? 1 : 0,
    deliveries.map((delivery) => toNewDeliveryRow(delivery, take)),
    remember === undefined ? null : [remember.digest, remember.until],
    filterFailures ?? null,
  ];
}

export function toReplayRow(
  { eventId, delivery, replayOf, now, again = false }: Replay,
  firstDueAt: number,
  { take }: Packed,
): ReplayRow {
  return [eventId, toNewDeliveryRow(delivery, take), replayOf ?? null, now, firstDueAt, again ? 1 : 0];
}

export function toFiringRow(firing: RunFiring, firstDueAt: number, { take }: Packed): FiringRow {
  const { webhookId, version, from, to, onOverlap, now, runs } = firing;
  const { policy } = onOverlap;
  const skippedTo = 'to' in onOverlap ? toCursorRow(onOverlap.to) : null;
  const waitingMax = 'waitingMax' in onOverlap ? onOverlap.waitingMax : null;
  const { events, deliveries } = toRunRows(runs, take);
  return [
    webhookId,
    version,
    from,
    toCursorRow(to),
    policy,
    skippedTo,
    waitingMax,
    now,
    firstDueAt,
    events,
    deliveries,
  ];
}

export function toBackfillRow(backfill: Backfill, firstDueAt: number, { take }: Packed): BackfillRow {
  const { webhookId, version, takeTurns, waitingMax, now, runs } = backfill;
  const queue = takeTurns === 'WITH_SCHEDULE' ? RUN : takeTurns === 'APART' ? BACKFILLED : 0;
  const { events, deliveries } = toRunRows(runs, take);
  return [webhookId, version, queue, waitingMax, now, firstDueAt, events, deliveries];
}

/** Takes the bytes of each run's event before those of its delivery, as `bytesOf` has them. */
function toRunRows(runs: RunFiring['runs'], take: () => Uint8Array) {
  const events: EventRow[] = [];
  const deliveries: NewDeliveryRow[] = [];
  for (const { event, delivery } of runs) {
    events.push(toEventRow(event, take()));
    deliveries.push(toNewDeliveryRow(delivery, take));
  }
  return { events, deliveries };
}

function toEventRow(event: Event, body: Uint8Array): EventRow {
  return [
    event.id,
    event.callerId ?? null,
    event.namespace,
    event.type,
    event.source ?? null,
    event.subject ?? null,
    event.time,
    event.nominalAt ?? null,
    event.contentType,
    encodeTexts(event.headers),
    encodeTexts(event.extensions),
    event.createdAt,
    body,
  ];
}

function toNewDeliveryRow(delivery: NewDelivery, take: () => Uint8Array): NewDeliveryRow {
  const { id, webhookId, format, rendered, toRender = false } = delivery;
  const code = FORMATS.indexOf(format);
  return [id, webhookId, code, toRenderedRow(rendered, take), toRender ? 1 : 0];
}

export function toMadeRow({ delivery, format, rendered }: MadeDelivery, { take }: Packed): MadeRow {
  return [delivery.ord, delivery.id, FORMATS.indexOf(format), toRenderedRow(rendered, take)];
}

/** Takes a copy of the body, if there is one. */
function toRenderedRow(rendered: Rendered | undefined, take: () => Uint8Array): RenderedRow | null {
  if (rendered === undefined) return null;
  const body = rendered.body === undefined ? null : take();
  return [JSON.stringify(rendered.headers), rendered.contentType ?? null, body];
}

export function fromEventRow(row: LongRowOf<typeof EVENT_BODY>): EventBody {
  const { at } = EVENT_BODY;
  const callerId = row[at.callerId];
  const source = row[at.source];
  const subject = row[at.subject];
  const extensions = row[at.extensions];
  const nominalAt = row[at.nominalAt];
  return {
    id: row[at.id],
    ...(callerId !== null && { callerId }),
    ...(row[at.shadowed] === 1 && { shadowed: true }),
    type: row[at.type],
    ...(source !== null && { source }),
    ...(subject !== null && { subject }),
    time: row[at.time],
    ...(nominalAt !== null && { nominalAt }),
    contentType: row[at.contentType],
    body: row[at.body] ?? NO_BYTES,
    headers: decodeTexts(row[at.headers]),
    ...(extensions !== null && { extensions: decodeTexts(extensions) }),
    createdAt: row[at.createdAt],
  };
}

export function fromEventRecordRow(row: EventRecordRow): EventRecord {
  const { at } = EVENT_RECORD;
  return {
    ...fromEventRow(row),
    namespace: row[at.namespace],
    purged: row[at.body] === null,
    deliveryCount: row[at.deliveries],
  };
}

export function fromRenderedRow(row: RenderedRow): Rendered {
  const { at } = RENDERED;
  const body = row[at.body];
  const contentType = row[at.contentType];
  return {
    ...(body !== null && { body }),
    ...(contentType !== null && { contentType }),
    headers: JSON.parse(row[at.headers]),
  };
}

export function fromContentRow([event, format, rendered]: ContentRow): DeliveryContent {
  return {
    event: fromEventRow(event),
    format: FORMATS[format]!,
    ...(rendered !== null && { rendered: fromRenderedRow(rendered) }),
  };
}

/** NULL where there are no headers, as in most events. */
function encodeTexts(texts: Readonly<Record<string, string>> | undefined): string | null {
  for (const _ in texts) return JSON.stringify(texts);
  return null;
}

function decodeTexts(text: string | null): Readonly<Record<string, string>> {
  return text === null ? {} : JSON.parse(text);
}
