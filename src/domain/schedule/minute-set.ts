/** Minutes of a day, as bits: minute m is bit m mod 32 of word m / 32. */
export type MinuteSet = Int32Array;

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

export function flipMinutes(set: MinuteSet): MinuteSet {
  return set.map((word) => ~word);
}

/** The first minute of the set at `minute` or later; `MINUTES_A_DAY` when there is none. */
export function minuteFrom(set: MinuteSet, minute: number): number {
  let at = minute >> 5;
  if (at >= WORDS) return MINUTES_A_DAY;
  let word = set[at]! & (-1 << (minute & 31));
  while (word === 0) {
    if (++at === WORDS) return MINUTES_A_DAY;
    word = set[at]!;
  }
  return at * 32 + 31 - Math.clz32(word & -word);
}

/** The last minute of the set before `minute`; -1 when there is none. */
export function minuteBefore(set: MinuteSet, minute: number): number {
  let at = minute >> 5;
  let word = at < WORDS ? set[at]! & ~(-1 << (minute & 31)) : 0;
  while (word === 0) {
    if (--at < 0) return -1;
    word = set[at]!;
  }
  return at * 32 + 31 - Math.clz32(word);
}
