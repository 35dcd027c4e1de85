import { DAY_MS } from '../calendar/days.ts';
import { hasMinute, MINUTE_MS, minutesAlike } from '../calendar/minute-set.ts';
import { stretchAt } from '../zone.ts';
import type { LeftOut } from './left-out.ts';
import type { Runs } from './runs.ts';

/** How far a run is searched for. What leaves out every run of ten years leaves out every run. */
const SEARCH_MS = 3_660 * DAY_MS;

/** Local times that are left out, and where. */
export interface LeftOutInZone {
  readonly zone: string;
  readonly leftOut: LeftOut;
}

/** The runs of a fixed period, the first at `base`, without those whose local time is left out. */
export function periodRuns(base: number, periodMs: number, exceptions?: LeftOutInZone): Runs {
  const atOrAfter = (time: number) => base + Math.max(0, Math.ceil((time - base) / periodMs)) * periodMs;
  const before = (time: number) => base + (Math.ceil((time - base) / periodMs) - 1) * periodMs;

  return {
    first(from, to) {
      const until = Math.min(to, Math.max(from, base) + SEARCH_MS);
      for (let run = atOrAfter(from); run < until; ) {
        const { covered, end } = spellAt(run, exceptions);
        if (!covered) return run;
        run = atOrAfter(end);
      }
      return null;
    },
    last(from, to) {
      const begin = Math.max(from, base, to - SEARCH_MS);
      for (let run = before(to); run >= begin; ) {
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
  if (exceptions === undefined) return ALWAYS;
  const { zone, leftOut } = exceptions;
  const stretch = stretchAt(zone, instant);
  const day = Math.floor((instant + stretch.offsetMs) / DAY_MS);
  const midnight = day * DAY_MS - stretch.offsetMs;
  const minutes = leftOut.on(day);
  const minute = Math.floor((instant - midnight) / MINUTE_MS);
  const { from, to } = minutes === null ? WHOLE_DAY : minutesAlike(minutes, minute);
  return {
    start: Math.max(stretch.start, midnight + from * MINUTE_MS),
    end: Math.min(stretch.end, midnight + to * MINUTE_MS),
    covered: minutes !== null && hasMinute(minutes, minute),
  };
}

const ALWAYS: Spell = { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY, covered: false };
const WHOLE_DAY = { from: 0, to: DAY_MS / MINUTE_MS };
