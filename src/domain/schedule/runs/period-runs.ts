import { DAY_MS } from '../calendar/days.ts';
import { hasMinute, MINUTE_MS, type MinuteSet, minutesAlike, noMinutes } from '../calendar/minute-set.ts';
import { stretchAt } from '../zone.ts';
import type { LeftOut } from './left-out.ts';
import type { Runs } from './runs.ts';

/** How far a run is searched for. What leaves out every run of ten years leaves out every run. */
const SEARCH_MS = 3_660 * DAY_MS;
/**
 * How many times that are left out are looked at in a search, which takes some 100 ms. Days that are like the one
 * before count once, so only exceptions that differ from day to day, minute by minute, ever meet this bound.
 */
const SPELLS_MAX = 250_000;

/** Local times that are left out, and where. */
export interface LeftOutInZone {
  readonly zone: string;
  readonly leftOut: LeftOut;
}

/** The runs of a fixed period, the first at `base`, without those whose local time is left out. */
export function periodRuns(base: number, periodMs: number, exceptions?: LeftOutInZone): Runs {
  const atOrAfter = (time: number) => base + Math.max(0, Math.ceil((time - base) / periodMs)) * periodMs;
  const before = (time: number) => base + (Math.ceil((time - base) / periodMs) - 1) * periodMs;

  /** The first run from this one on that is not left out. */
  function firstFrom(begin: number, until: number, left: LeftOutInZone): number | null {
    let spells = 0;
    let barren: Day | undefined;
    for (let run = begin; run < until && spells < SPELLS_MAX; ) {
      const day = dayAt(run, left, run - periodMs);
      if (barren !== undefined && isAlike(day, barren)) {
        run = atOrAfter(day.end);
        continue;
      }
      // What the day covers is only lent.
      const kept = day.isWhole ? { ...day, minutes: day.minutes.slice() } : undefined;
      while (run < day.end && run < until) {
        const { covered, end } = spellOn(day, run);
        if (!covered) return run;
        run = atOrAfter(end);
        spells++;
      }
      barren = kept;
    }
    return null;
  }

  return {
    first(from, to) {
      const begin = atOrAfter(from);
      const until = Math.min(to, Math.max(from, base) + SEARCH_MS);
      if (exceptions !== undefined) return firstFrom(begin, until, exceptions);
      return begin < until ? begin : null;
    },
    last(from, to) {
      const begin = Math.max(from, base, to - SEARCH_MS);
      let spells = 0;
      for (let run = before(to); run >= begin && spells < SPELLS_MAX; spells++) {
        const { covered, start } = spellAt(run, exceptions);
        if (!covered) return run;
        run = before(start);
      }
      return null;
    },
    count(from, to) {
      let count = 0;
      for (let run = atOrAfter(from); run < to; ) {
        const { covered, end } = spellAt(run, exceptions);
        const next = atOrAfter(Math.min(to, end));
        if (!covered) count += (next - run) / periodMs;
        run = next;
      }
      return count;
    },
  };
}

/** A time, [start, end), of which all is left out, or nothing. */
interface Spell {
  readonly start: number;
  readonly end: number;
  readonly covered: boolean;
}

/** The spell around an instant, as far as it lies on one day and between two changes of the clock. */
function spellAt(instant: number, exceptions: LeftOutInZone | undefined): Spell {
  return exceptions === undefined ? ALWAYS : spellOn(dayAt(instant, exceptions), instant);
}

/** A local day, [start, end), as far as it lies between two changes of the clock. */
interface Day {
  readonly start: number;
  readonly end: number;
  readonly midnight: number;
  /** What is left out of it, until another day is asked for. */
  readonly minutes: MinuteSet;
  /** Whether it has all of its hours, and no run of it was passed over. */
  readonly isWhole: boolean;
  /** How far into the day the run is that it was asked for with. */
  readonly phase: number;
}

function dayAt(instant: number, { zone, leftOut }: LeftOutInZone, runBefore = instant): Day {
  const stretch = stretchAt(zone, instant);
  const number = Math.floor((instant + stretch.offsetMs) / DAY_MS);
  const midnight = number * DAY_MS - stretch.offsetMs;
  const [start, end] = [Math.max(stretch.start, midnight), Math.min(stretch.end, midnight + DAY_MS)];
  const isWhole = end - start === DAY_MS && runBefore < start;
  return { start, end, midnight, minutes: leftOut.on(number) ?? NONE, isWhole, phase: instant - midnight };
}

/** Whether the same runs of both days are left out. */
function isAlike(a: Day, b: Day): boolean {
  return a.isWhole && a.phase === b.phase && a.minutes.every((word, i) => word === b.minutes[i]);
}

function spellOn({ start, end, midnight, minutes }: Day, instant: number): Spell {
  const minute = Math.floor((instant - midnight) / MINUTE_MS);
  const { from, to } = minutesAlike(minutes, minute);
  return {
    start: Math.max(start, midnight + from * MINUTE_MS),
    end: Math.min(end, midnight + to * MINUTE_MS),
    covered: hasMinute(minutes, minute),
  };
}

const ALWAYS: Spell = { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY, covered: false };
const NONE = noMinutes();
