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
}

export type When =
  | { readonly kind: 'every'; readonly periodMs: number }
  | {
      readonly kind: 'cron';
      readonly expression: string;
      /** An IANA time zone name, as the platform spells it. */
      readonly timeZone: string;
      readonly dstGap: DstGapPolicy;
      readonly dstOverlap: DstOverlapPolicy;
    }
  | { readonly kind: 'at'; readonly at: number };

export type MisfirePolicy = 'FIRE_LATEST' | 'SKIP' | 'FIRE_ALL';
export type OverlapPolicy = 'SUPERSEDE' | 'SKIP' | 'ALLOW';
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
}
