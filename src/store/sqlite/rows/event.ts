/** Between events, what is made of them, and their rows. */
import type { Event, EventBody, EventRecord, Rendered } from '../../../domain/event/event.ts';
import type { RunCursor } from '../../../domain/schedule/schedule.ts';
import type { NewDelivery, Publication, Replay, RunFiring } from '../../intake.ts';
import type { CursorRow, FiringRow, PublicationRow, ReplayRow } from '../protocol.ts';
import type { Packed } from './bytes.ts';
import {
  type EventRecordRow,
  type EventRow,
  FORMATS,
  type NewDeliveryRow,
  type RenderedRow,
} from './tuples.ts';

const NO_BYTES = new Uint8Array();

/** The bytes in an event and its deliveries, in the order in which their rows take the copies. */
export function bytesOf(event: Event | undefined, deliveries: readonly NewDelivery[]): Uint8Array[] {
  const bytes = event === undefined ? [] : [event.body];
  for (const { rendered } of deliveries) if (rendered?.body !== undefined) bytes.push(rendered.body);
  return bytes;
}

export function toPublicationRow(publication: Publication, { take }: Packed): PublicationRow {
  const { event, deliveries, dueAt, run, remember, filterFailures } = publication;
  return [
    toEventRow(event, take()),
    dueAt,
    run ? 1 : 0,
    deliveries.map((delivery) => toNewDeliveryRow(delivery, take)),
    remember === undefined ? null : [remember.digest, remember.until],
    filterFailures ?? null,
  ];
}

export function toReplayRow({ eventId, delivery, replayOf, now }: Replay, { take }: Packed): ReplayRow {
  return [eventId, toNewDeliveryRow(delivery, take), replayOf ?? null, now];
}

export function toFiringRow(firing: RunFiring, { take }: Packed): FiringRow {
  const { webhookId, version, from, to, onOverlap, now, runs } = firing;
  const events: EventRow[] = [];
  const deliveries: NewDeliveryRow[] = [];
  for (const { event, delivery } of runs) {
    events.push(toEventRow(event, take()));
    deliveries.push(toNewDeliveryRow(delivery, take));
  }
  const { policy } = onOverlap;
  const skippedTo = onOverlap.policy === 'SKIP' ? toCursorRow(onOverlap.to) : null;
  return [webhookId, version, from, toCursorRow(to), policy, skippedTo, now, events, deliveries];
}

function toCursorRow({ anchorAt, nominalAt, dueAt, fired, skipped }: RunCursor): CursorRow {
  return [anchorAt, nominalAt, dueAt, fired, skipped];
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
    encodeHeaders(event.headers),
    event.createdAt,
    body,
  ];
}

function toNewDeliveryRow(delivery: NewDelivery, take: () => Uint8Array): NewDeliveryRow {
  const { id, webhookId, format, rendered } = delivery;
  const code = FORMATS.indexOf(format);
  if (rendered === undefined) return [id, webhookId, code, null];
  const body = rendered.body === undefined ? null : take();
  return [id, webhookId, code, [JSON.stringify(rendered.headers), rendered.contentType ?? null, body]];
}

export function fromEventRow(row: EventRow): EventBody {
  const [id, callerId, , type, source, subject, time, nominalAt, contentType, headers, createdAt, body] = row;
  return {
    id,
    ...(callerId !== null && { callerId }),
    type,
    ...(source !== null && { source }),
    ...(subject !== null && { subject }),
    time,
    ...(nominalAt !== null && { nominalAt }),
    contentType,
    body: body ?? NO_BYTES,
    headers: decodeHeaders(headers),
    createdAt,
  };
}

export function fromEventRecordRow(row: EventRecordRow): EventRecord {
  const [namespace, body, deliveryCount] = [row[2], row[11], row[12]];
  return { ...fromEventRow(row.slice(0, 12) as EventRow), namespace, purged: body === null, deliveryCount };
}

export function fromRenderedRow([headers, contentType, body]: RenderedRow): Rendered {
  return {
    ...(body !== null && { body }),
    ...(contentType !== null && { contentType }),
    headers: JSON.parse(headers),
  };
}

/** None are written as NULL: most events have none. */
function encodeHeaders(headers: Readonly<Record<string, string>>): string | null {
  for (const _ in headers) return JSON.stringify(headers);
  return null;
}

function decodeHeaders(text: string | null): Readonly<Record<string, string>> {
  return text === null ? {} : JSON.parse(text);
}
