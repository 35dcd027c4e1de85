import { bitCount, highestBit, lowestBit } from './bits.ts';

/** Minutes of a day, as bits: minute m is bit m mod 32 of word m / 32. */
export type MinuteSet = Int32Array;

export const MINUTE_MS = 60_000;
export const MINUTES_A_DAY = 1440;
const WORDS = MINUTES_A_DAY / 32;

export function noMinutes(): MinuteSet {
  return new Int32Array(WORDS);
}

export function everyMinute(): MinuteSet {
  return noMinutes().fill(-1);
}

export function setMinute(set: MinuteSet, minute: number): void {
  set[minute >> 5]! |= 1 << (minute & 31);
}

export function hasMinute(set: MinuteSet, minute: number): boolean {
  return ((set[minute >> 5]! >> (minute & 31)) & 1) === 1;
}

export function addMinutes(to: MinuteSet, set: MinuteSet): void {
  for (let i = 0; i < WORDS; i++) to[i]! |= set[i]!;
}

export function removeMinutes(from: MinuteSet, set: MinuteSet): void {
  for (let i = 0; i < WORDS; i++) from[i]! &= ~set[i]!;
}

/** The first minute of the set at `minute` or later; `MINUTES_A_DAY` when there is none. */
export function minuteFrom(set: MinuteSet, minute: number): number {
  return searchUp(set, minute, 0);
}

/** The last minute of the set before `minute`; -1 when there is none. */
export function minuteBefore(set: MinuteSet, minute: number): number {
  return searchDown(set, minute, 0);
}

/** The minutes around one, [from, to), that are all in the set, or all not. */
export function minutesAlike(set: MinuteSet, minute: number): { from: number; to: number } {
  const flip = hasMinute(set, minute) ? -1 : 0;
  return { from: searchDown(set, minute, flip) + 1, to: searchUp(set, minute, flip) };
}

/** With `flip` -1 the first that is not in the set. */
function searchUp(set: MinuteSet, minute: number, flip: 0 | -1): number {
  let at = minute >> 5;
  if (at >= WORDS) return MINUTES_A_DAY;
  let word = (set[at]! ^ flip) & (-1 << (minute & 31));
  while (word === 0) {
    if (++at === WORDS) return MINUTES_A_DAY;
    word = set[at]! ^ flip;
  }
  return at * 32 + lowestBit(word);
}

function searchDown(set: MinuteSet, minute: number, flip: 0 | -1): number {
  let at = minute >> 5;
  let word = at < WORDS ? (set[at]! ^ flip) & ~(-1 << (minute & 31)) : 0;
  while (word === 0) {
    if (--at < 0) return -1;
    word = set[at]! ^ flip;
  }
  return at * 32 + highestBit(word);
}

/** How many minutes of the set lie in [from, to). */
export function countMinutes(set: MinuteSet, from: number, to: number): number {
  let count = 0;
  for (let at = from >> 5; at * 32 < to; at++) {
    let word = set[at]!;
    if (at * 32 < from) word &= -1 << (from & 31);
    if (at * 32 + 32 > to) word &= ~(-1 << (to & 31));
    count += bitCount(word);
  }
  return count;
}
