import { type MinuteSet, noMinutes, setMinute } from './minute-set.ts';

/** Times of a day, to the second. They are numbered, so that finding one costs the same for one and for 86,400. */
export interface TimesOfDay {
  readonly size: number;
  /** How many come before `ms` into the day, which is the number of the first that does not. */
  rank(ms: number): number;
  /** The time with that number, in milliseconds. */
  select(number: number): number;
  /** The minutes of the day that have any of them. */
  minutes(): MinuteSet;
  /** Whether all of them are whole minutes. */
  readonly onTheMinute: boolean;
  /** Those in a minute of the day, as bits: the seconds 0 to 29, or 30 to 59. */
  secondsIn(minute: number, half: 0 | 1): number;
}

/** What the time fields of a cron expression match. The lists are ascending. */
export interface TimeFields {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
}

/** Every combination of the fields' values. */
export function combinedTimes(fields: TimeFields): TimesOfDay {
  const seconds = ladder(fields.seconds, 60);
  const minutes = ladder(fields.minutes, 60);
  const hours = ladder(fields.hours, 24);
  const timesAnHour = minutes.values.length * seconds.values.length;
  const halves = [halfOf(fields.seconds, 0), halfOf(fields.seconds, 30)] as const;
  let minuteSet: MinuteSet | undefined;

  return {
    size: hours.values.length * timesAnHour,
    onTheMinute: fields.seconds.every((second) => second === 0),
    rank(ms) {
      const second = Math.ceil(ms / 1000);
      const hour = Math.floor(second / 3600);
      const minute = Math.floor(second / 60) % 60;
      let before = hours.rank[hour]! * timesAnHour;
      if (!hours.has(hour)) return before;
      before += minutes.rank[minute]! * seconds.values.length;
      return minutes.has(minute) ? before + seconds.rank[second % 60]! : before;
    },
    select(number) {
      const hour = hours.values[Math.floor(number / timesAnHour)]!;
      const minute = minutes.values[Math.floor((number % timesAnHour) / seconds.values.length)]!;
      const second = seconds.values[number % seconds.values.length]!;
      return ((hour * 60 + minute) * 60 + second) * 1000;
    },
    minutes() {
      if (minuteSet !== undefined) return minuteSet;
      minuteSet = noMinutes();
      for (const hour of fields.hours) {
        for (const minute of fields.minutes) setMinute(minuteSet, hour * 60 + minute);
      }
      return minuteSet;
    },
    secondsIn: (minute, half) =>
      hours.has(Math.floor(minute / 60)) && minutes.has(minute % 60) ? halves[half] : 0,
  };
}

/** These times, each in seconds since midnight, in any order. */
export function listedTimes(times: readonly number[]): TimesOfDay {
  const sorted = [...new Set(times)].sort((a, b) => a - b);
  const minuteSet = noMinutes();
  for (const time of sorted) setMinute(minuteSet, Math.floor(time / 60));
  return {
    size: sorted.length,
    onTheMinute: sorted.every((time) => time % 60 === 0),
    rank(ms) {
      let before = 0;
      while (before < sorted.length && sorted[before]! * 1000 < ms) before++;
      return before;
    },
    select: (number) => sorted[number]! * 1000,
    minutes: () => minuteSet,
    secondsIn(minute, half) {
      const inMinute = sorted.filter((time) => Math.floor(time / 60) === minute);
      return halfOf(
        inMinute.map((time) => time % 60),
        half * 30,
      );
    },
  };
}

/** The seconds of half a minute, as bits. */
function halfOf(seconds: readonly number[], from: number): number {
  return seconds.reduce(
    (bits, second) => (second >= from && second < from + 30 ? bits | (1 << (second - from)) : bits),
    0,
  );
}

/** A field's values, and for each number below `size` how many of them are less. */
interface Ladder {
  readonly values: Uint8Array;
  readonly rank: Uint8Array;
  has(value: number): boolean;
}

function ladder(values: readonly number[], size: number): Ladder {
  const rank = new Uint8Array(size + 2);
  const member = new Uint8Array(size + 1);
  for (const value of values) member[value] = 1;
  for (let i = 0; i <= size; i++) rank[i + 1] = rank[i]! + member[i]!;
  return { values: Uint8Array.from(values), rank, has: (value) => member[value] === 1 };
}
