/** How states, reasons and formats are written: as small numbers, since they are in every row. */

export type Flag = 0 | 1;

/** Which of its webhook's queues of runs a delivery is in: in none, in that of the schedule, or in that of backfills. */
export type RunCode = 0 | typeof RUN | typeof BACKFILLED;
export const RUN = 1;
export const BACKFILLED = 2;
/** `deliveries_lane` has the deliveries of each apart. */
export const QUEUES = [0, RUN, BACKFILLED] as const;

/**
 * What a run that takes turns does to the one before it: nothing, or it takes its place once that was attempted in
 * vain. One that is KEPT makes up for a missed run, and is itself superseded by none before it was attempted.
 */
export type TurnCode = 0 | typeof SUPERSEDING | typeof KEPT;
export const SUPERSEDING = 1;
export const KEPT = 2;

/** When a run is due that waits for its turn, which is Infinity to others. */
export const HELD = Number.MAX_SAFE_INTEGER;

/** States of deliveries. */
export const PENDING = 0;
export const SUCCEEDED = 1;
export const FAILED = 2;
export const CANCELLED = 3;
export type StateCode = typeof PENDING | typeof SUCCEEDED | typeof FAILED | typeof CANCELLED;

/** Reasons of a state are places in `REASONS`; 0 is none. */
export const REASONS = [
  undefined,
  'EXHAUSTED',
  'REFUSED',
  'GONE',
  'REMOVED',
  'SUPERSEDED',
  'REQUESTED',
  'PURGED',
  'RENDER',
  'OVERFLOW',
] as const;
export const REMOVED = 4;
export const RENDER = 8;

/** Why a delivery is ending is a place in `ENDINGS`; 0 says that it is not. */
export const ENDINGS = [undefined, 'SUPERSEDED', 'REQUESTED', 'PURGED'] as const;
export const SUPERSEDED = 1;
export const REQUESTED = 2;
export const PURGED = 3;

/** Whether something was rendered for a delivery, or is to be when it has its turn. */
export type RenderedCode = 0 | typeof IS_RENDERED | typeof TO_RENDER;
export const IS_RENDERED = 1;
export const TO_RENDER = 2;

/** Formats are places in `FORMATS`. */
export const FORMATS = [
  'BODY',
  'ENVELOPE',
  'CLOUDEVENTS_BINARY',
  'CLOUDEVENTS_STRUCTURED',
  'RENDERED',
] as const;
