import { hash } from 'node:crypto';
import type { Random } from './random.ts';

/**
 * Ids are a prefix and 26 characters of Crockford's base32, laid out like a ULID: 48 bits of time in
 * milliseconds, then 80 bits. They sort by time, so that new rows land at the end of an index.
 * Source of the layout: https://github.com/ulid/spec.
 */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TAIL_BYTES = 10;
const TAIL_LENGTH = 16;
const TIME_LENGTH = 10;
/** The characters of a tail that count, 40 bits. */
const COUNT_LENGTH = 8;

/** What an id names. */
export type IdKind = 'webhook' | 'event' | 'delivery' | 'secret' | 'key' | 'audit';

const PREFIX: Record<IdKind, string> = {
  webhook: 'wh_',
  event: 'evt_',
  delivery: 'msg_',
  secret: 'sec_',
  key: 'key_',
  audit: 'aud_',
};

/** A new id for something made at `now`. */
export function newId(kind: IdKind, now: number, random: Random): string {
  return composedId(kind, now, random.bytes(TAIL_BYTES));
}

/** The id that follows from a time and bytes, of which the first ten count. */
export function composedId(kind: IdKind, at: number, bytes: Uint8Array): string {
  return PREFIX[kind] + time(at) + tail(bytes);
}

/**
 * Makes ids of one kind, of which those made in the same millisecond sort as they were made: the first is
 * drawn, and the others count on from it. Rows with such ids always land at the end of an index.
 */
export function createIds(kind: IdKind, random: Random): (now: number) => string {
  let madeAt = Number.NaN;
  let head = '';
  let count = 0;
  return (now) => {
    if (now === madeAt) {
      count++;
    } else {
      const bytes = random.bytes(TAIL_BYTES);
      madeAt = now;
      head = PREFIX[kind] + time(now) + tail(bytes).slice(0, TAIL_LENGTH - COUNT_LENGTH);
      // The first of 40 bits is left out, so that there is room to count.
      count = (bytes[5]! & 0x7f) * 2 ** 32 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(6);
    }
    return head + base32(count, COUNT_LENGTH);
  };
}

/**
 * The id of a scheduled run's event. It is a function of the run's identity, (webhook, nominal time),
 * so the store's primary key on events is what makes a run fire at most once.
 */
export function runEventId(webhookId: string, nominalAt: number): string {
  const digest = hash('sha256', `${webhookId}@${nominalAt}`, 'buffer');
  return composedId('event', nominalAt, digest);
}

const OWN_FORM = /^(wh|evt|msg|sec|key|aud)_[0-9A-HJKMNP-TV-Z]{26}$/;

/** Whether a text has the form of the ids that are made here: no caller can give such an id to anything. */
export function isOwnForm(text: string): boolean {
  return OWN_FORM.test(text);
}

/** When what an id names was made: what `newId` was given, and for a scheduled run its nominal time. */
export function timeOfId(id: string): number {
  let ms = 0;
  for (const character of id.slice(-TAIL_LENGTH - TIME_LENGTH, -TAIL_LENGTH)) {
    ms = ms * 32 + ALPHABET.indexOf(character);
  }
  return ms;
}

/** No id of this kind that was made at `at` or later is less, and every one that was made before is. */
export function firstIdAt(kind: IdKind, at: number): string {
  return PREFIX[kind] + time(at);
}

function time(ms: number): string {
  return base32(Math.max(0, Math.floor(ms)), TIME_LENGTH);
}

function base32(number: number, length: number): string {
  let rest = number;
  let text = '';
  for (let i = 0; i < length; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** 80 bits as 16 characters of five bits each. */
function tail(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (let i = 0; i < TAIL_BYTES; i++) {
    held = (held << 8) | bytes[i]!;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return text;
}
