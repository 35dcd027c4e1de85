/**
 * When a webhook rings by itself. All times are milliseconds since the Unix epoch, all spans
 * milliseconds. A run's *nominal* time is computed from the schedule alone.
 */
export interface Schedule {
  readonly when: When;
  /** No run is due before this time. It also anchors `every`. */
  readonly startAt?: number;
  /** No run is due at this time or later. */
  readonly endAt?: number;
  /** After this many runs have fired, no more are due. */
  readonly maxRuns?: number;
  /** A run is later than its nominal time by less than this, and before the next nominal time. */
  readonly jitterMs: number;
  readonly misfire: MisfirePolicy;
  /** How late a missed run may still fire. `at` always fires. */
  readonly catchupMs: number;
  readonly overlap: OverlapPolicy;
  /** What leaves runs out; absent when nothing does. */
  readonly exceptions?: Exceptions;
}

export type When =
  | { readonly kind: 'every'; readonly periodMs: number }
  | ({ readonly kind: 'cron'; readonly expression: string } & InZone)
  /** An instant that several of the expressions name is one run. */
  | ({ readonly kind: 'crons'; readonly expressions: readonly string[] } & InZone)
  | ({ readonly kind: 'interval'; readonly interval: Interval } & InZone)
  | { readonly kind: 'at'; readonly at: number };

/** What is read on a clock that shows local time. */
export interface InZone {
  /** An IANA time zone name, as its caller gave it. */
  readonly timeZone: string;
  readonly dstGap: DstGapPolicy;
  readonly dstOverlap: DstOverlapPolicy;
}

/**
 * Every so many days, weeks or months at local times, counted from the day, the week or the month of the
 * anchor in the zone. It is counted on the calendar, so it never drifts.
 */
export interface Interval {
  readonly unit: 'DAYS' | 'WEEKS' | 'MONTHS';
  readonly count: number;
  /** `09:00` or `09:00:30`. */
  readonly times: readonly string[];
  /** For WEEKS, which begin on Monday; the anchor's own weekday when empty. */
  readonly weekdays: readonly Weekday[];
  /**
   * For MONTHS, 1 to 31; the anchor's own day when empty. In a month that is too short for a day, its last
   * day stands for it.
   */
  readonly daysOfMonth: readonly number[];
}

/** In the order of a week. */
export const WEEKDAYS = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** A run whose nominal time one of these covers is none. */
export interface Exceptions {
  /** The zone in which dates and crons are read. */
  readonly timeZone: string;
  /** Whole local days: `2026-12-24`. */
  readonly dates: readonly string[];
  readonly spans: readonly Span[];
  /** Cron expressions of five fields. Each covers the whole of every minute that it matches. */
  readonly crons: readonly string[];
}

/** From `startAt` on, before `endAt`. */
export interface Span {
  readonly startAt: number;
  readonly endAt: number;
}

export type MisfirePolicy = 'FIRE_LATEST' | 'SKIP' | 'FIRE_ALL';
export type OverlapPolicy = 'SUPERSEDE' | 'SKIP' | 'BUFFER' | 'ALLOW';
export type DstGapPolicy = 'SHIFT' | 'SKIP';
export type DstOverlapPolicy = 'FIRST' | 'BOTH';

/** Where a webhook is in its schedule. */
export interface RunCursor {
  /** The time that `every` counts from, unless the schedule has a start. */
  readonly anchorAt: number;
  /** The nominal time of the next run; null when there is none to come. */
  readonly nominalAt: number | null;
  /** When that run is due: its nominal time plus its jitter. Null with `nominalAt`. */
  readonly dueAt: number | null;
  /** How many scheduled runs have fired. */
  readonly fired: number;
  /** How many were left out by a misfire or overlap policy, or by a pause. */
  readonly skipped: number;
  /** What the clock showed when it was computed; absent from what versions before wrote. */
  readonly movedAt?: number;
  /**
   * The time zone rules that it was computed with, empty where that is not known. Absent where the schedule has no
   * use for any.
   */
  readonly zoneRules?: string;
}

/** When, and by which time zone rules, something is computed: a `Clock` at one moment. */
export interface Present {
  readonly now: number;
  readonly zoneRules: string;
}
