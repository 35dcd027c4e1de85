import { createHash } from 'node:crypto';
import type { FieldViolation } from '../error.ts';
import { isOwnForm } from '../id.ts';
import { charsetFault } from './charset.ts';
import { EVENT_BYTES_MAX, RESERVED_TYPE_PREFIX } from './event.ts';
import { type Extensions, extensionViolations, NO_TEXT } from './extensions.ts';
import { headerViolations } from './header-rules.ts';
import { isEventType, TYPE_LENGTH_MAX } from './match.ts';
import { contentKind, isMediaType } from './media-type.ts';

/** An event as its publisher gave it. */
export interface EventDraft {
  readonly namespace: string;
  /** What its publisher names it, which makes publishing idempotent. */
  readonly callerId?: string;
  readonly type: string;
  readonly source?: string;
  readonly subject?: string;
  /** The time of publishing without one. */
  readonly time?: number;
  /** What `time` was cut by, in nanoseconds. It is not kept, but two times that differ in it are two. */
  readonly timeCutNanos?: number;
  /** In which of the ways it was given; none has an empty body. */
  readonly data: { readonly kind: 'none' | 'json' | 'text' | 'bytes'; readonly body: Uint8Array };
  /** That of its kind without one, see `contentTypeOf`. */
  readonly contentType?: string;
  /** Names as the publisher wrote them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly extensions?: Extensions;
  /** Now without one. */
  readonly deliver?: { readonly at: number; readonly cutNanos?: number } | { readonly afterMs: number };
}

/** How far ahead an event can be published for. */
export const DELIVER_AHEAD_MAX_MS = 366 * 24 * 60 * 60 * 1000;
/** The longest that an event's publisher can name it. */
const EVENT_ID_LENGTH_MAX = 128;
const SOURCE_LENGTH_MAX = 2048;
const SUBJECT_LENGTH_MAX = 1024;

/** The times that protobuf's Timestamp can name, which are those of RFC 3339: the years 1 to 9999. */
const TIME_MIN = -62_135_596_800_000;
const TIME_MAX = 253_402_300_799_999;

const CONTENT_TYPES = {
  none: 'application/octet-stream',
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
  bytes: 'application/octet-stream',
} as const;

/** The media type of an event's data: as given, or that of its kind. */
export function contentTypeOf({ contentType, data }: Pick<EventDraft, 'contentType' | 'data'>): string {
  return contentType || CONTENT_TYPES[data.kind];
}

/**
 * The rules that an event to publish breaks. `field` is the path of the request around it, as
 * `requests[3]`, and empty for the request itself: its event is at `event`, its delivery time beside that.
 */
export function eventViolations(
  draft: EventDraft,
  { field, now }: { field: string; now: number },
): FieldViolation[] {
  const at = (name: string) => (field === '' ? name : `${field}.${name}`);
  const violations: FieldViolation[] = [];
  const note = (name: string, description: string | undefined) => {
    if (description !== undefined) violations.push({ field: at(name), description });
  };
  note('event.id', idFault(draft.callerId));
  note('event.type', typeFault(draft.type));
  note('event.source', sourceFault(draft.source));
  note('event.subject', subjectFault(draft.subject));
  note('event.time', draft.time === undefined ? undefined : timeFault(draft.time));
  const contentType = contentTypeOf(draft);
  if (isMediaType(contentType)) {
    note(`event.${draft.data.kind}`, dataFault(draft, contentType));
    note('event.content_type', charsetFault(contentType));
  } else note('event.content_type', 'must be a media type such as application/json; charset=utf-8');
  violations.push(...headerViolations(draft.headers, at('event.headers'), 'event.content_type'));
  violations.push(...extensionViolations(draft.extensions ?? {}, at('event.extensions')));
  if (draft.deliver !== undefined) violations.push(...deliveryViolations(draft.deliver, at, now));
  return violations;
}

/**
 * What two publishings must have in common to be one: SHA-256, in base64url, of everything that a
 * publisher says of an event but its name and namespace, defaults filled in.
 */
export function digestOf(draft: EventDraft): string {
  const headers = Object.entries(draft.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  headers.sort(byName);
  const extensions = Object.entries(draft.extensions ?? {}).sort(byName);
  const { type, source, subject, time, timeCutNanos, deliver } = draft;
  // A JSON array says itself where it ends, so that no body can take part of it for its own.
  const head = [
    type,
    source || null,
    subject || null,
    // Only where it was cut in two parts: digests of before have to stay what they are.
    timeCutNanos ? [time, timeCutNanos] : (time ?? null),
    contentTypeOf(draft),
    headers,
    deliver ?? null,
    // The same again: only where there are any.
    ...(extensions.length > 0 ? [extensions] : []),
  ];
  return createHash('sha256').update(JSON.stringify(head)).update(comparable(draft.data)).digest('base64url');
}

/** When an event is due, published at `now`: a time that has passed is now. */
export function dueTimeOf({ deliver }: Pick<EventDraft, 'deliver'>, now: number): number {
  if (deliver === undefined) return now;
  return 'at' in deliver ? Math.max(now, deliver.at) : now + deliver.afterMs;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/**
 * What of the data is compared. Objects of a google.protobuf.Value are maps, and many clients of protobuf write
 * those in another order each time, so a publisher who tries again must not be told that they differ.
 */
function comparable({ kind, body }: EventDraft['data']): Uint8Array | string {
  return kind === 'json' ? JSON.stringify(JSON.parse(utf8.decode(body), inOrder)) : body;
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const members = Object.entries(value);
  return members.length < 2 ? value : Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function idFault(id: string | undefined): string | undefined {
  if (id === undefined) return undefined;
  if (isOwnForm(id)) {
    return `has the form of an id made by Carillon, which names one thing only: put something before it, such as follow-up-${id}, or leave it out`;
  }
  if (id.length <= EVENT_ID_LENGTH_MAX && /^[A-Za-z0-9_.:-]+$/.test(id)) return undefined;
  return `must be 1 to ${EVENT_ID_LENGTH_MAX} letters, digits and _ . : -, or left out`;
}

function typeFault(type: string): string | undefined {
  if (!isEventType(type)) return `must be 1 to ${TYPE_LENGTH_MAX} letters, digits and _ . - /`;
  if (!type.startsWith(RESERVED_TYPE_PREFIX)) return undefined;
  return `begins with ${RESERVED_TYPE_PREFIX}, which is for events of Carillon's own: choose another beginning`;
}

/** RFC 3986, appendix A: URI-reference, with whatever it wants percent-encoded being so. */
const PCHAR = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";
const USER_INFO = "(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})";
const HOST = "(?:\\[[0-9A-Fa-f:.]+\\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)";
const AUTHORITY = `//(?:${USER_INFO}*@)?${HOST}(?::[0-9]*)?(?:/${PCHAR}*)*`;
const TAIL = `(?:\\?(?:${PCHAR}|[/?])*)?(?:#(?:${PCHAR}|[/?])*)?`;
const PATH = `(?:/(?:${PCHAR}+(?:/${PCHAR}*)*)?|${PCHAR}+(?:/${PCHAR}*)*)?`;
const URI = new RegExp(`^[A-Za-z][A-Za-z0-9+.-]*:(?:${AUTHORITY}|${PATH})${TAIL}$`);
/** Without a scheme there is no colon before the first slash, or it would be one (4.2). */
const RELATIVE = new RegExp(`^(?![^/?#]*:)(?:${AUTHORITY}|${PATH})${TAIL}$`);

function sourceFault(source: string | undefined): string | undefined {
  if (source === undefined || source === '') return undefined;
  if (source.length > SOURCE_LENGTH_MAX)
    return `has ${source.length} characters: give at most ${SOURCE_LENGTH_MAX}`;
  if (URI.test(source) || RELATIVE.test(source)) return undefined;
  return 'must be a URI reference (RFC 3986) such as /shop/orders or https://shop.example.com, percent-encoded where needed';
}

function subjectFault(subject: string | undefined): string | undefined {
  if (subject === undefined) return undefined;
  const length = [...subject].length;
  if (length > SUBJECT_LENGTH_MAX) return `has ${length} characters: give at most ${SUBJECT_LENGTH_MAX}`;
  return NO_TEXT.test(subject)
    ? 'has characters that are for control or stand for nothing: remove them'
    : undefined;
}

function timeFault(time: number): string | undefined {
  if (time >= TIME_MIN && time <= TIME_MAX) return undefined;
  return 'must be a time in the years 1 to 9999';
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function dataFault({ data }: EventDraft, contentType: string): string | undefined {
  const { kind, body } = data;
  if (body.length > EVENT_BYTES_MAX)
    return `has ${body.length} bytes; at most ${EVENT_BYTES_MAX} are allowed`;
  if (kind !== 'text' || contentKind(contentType) !== 'JSON') return undefined;
  try {
    JSON.parse(utf8.decode(body));
    return undefined;
  } catch (error) {
    return `must be JSON, as its content type says: ${(error as Error).message}`;
  }
}

function deliveryViolations(
  deliver: NonNullable<EventDraft['deliver']>,
  at: (name: string) => string,
  now: number,
): FieldViolation[] {
  if ('at' in deliver) {
    const description = timeFault(deliver.at) ?? aheadFault(deliver.at - now);
    return description === undefined ? [] : [{ field: at('deliver_time'), description }];
  }
  const description = deliver.afterMs < 0 ? 'must not be negative' : aheadFault(deliver.afterMs);
  return description === undefined ? [] : [{ field: at('delay'), description }];
}

function aheadFault(aheadMs: number): string | undefined {
  return aheadMs <= DELIVER_AHEAD_MAX_MS ? undefined : 'lies too far ahead: at most 366 days are allowed';
}
