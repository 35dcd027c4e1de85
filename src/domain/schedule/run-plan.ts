import { cursorAt, dueAt, runsLeftOf } from './cursor.ts';
import { countNominals, latestNominal, nextNominal } from './occurrences.ts';
import { renewed } from './renewal.ts';
import type { Present, RunCursor, Schedule } from './schedule.ts';

/**
 * What to do with the nominal times that have come: when each run is due, which of the missed ones
 * still fire, and where the cursor stands afterwards. Pure: the same arguments always give the same plan.
 *
 * How late a run is counts from its due time, which is its nominal time plus its jitter.
 */
export interface RunPlan {
  /** The nominal times to fire now, oldest first; at most `FIRE_ALL_BATCH`. */
  readonly fire: readonly number[];
  /**
   * They make up for runs that were missed, each of which is to be sent: they wait their turn, and none takes the
   * place of another that was not attempted yet.
   */
  readonly madeUp: boolean;
  /** The cursor once they have fired. */
  readonly to: RunCursor;
}

/** A run that is no later than this is no misfire, since timers and commits take their time. */
export const MISFIRE_GRACE_MS = 5_000;
/** How many missed runs FIRE_ALL makes up for after one outage. They are the latest ones. */
export const FIRE_ALL_MAX = 1_000;
/** Runs in one plan. The rest is due at once and goes into the next plan. */
export const FIRE_ALL_BATCH = 100;
/** Runs of one webhook that wait with overlap BUFFER, the one that has its turn included. Beyond, they are skipped. */
export const BUFFER_MAX = 1_000;

/**
 * What to fire now; null when nothing is due.
 *
 * - FIRE_LATEST fires the latest of the due runs, if it is at most `catchupMs` late, or
 *   `MISFIRE_GRACE_MS` if that is more, since a run within it is no misfire.
 * - SKIP fires the latest one, if it is at most `MISFIRE_GRACE_MS` late.
 * - FIRE_ALL fires those that are at most `catchupMs` late, but of one outage only the latest
 *   `FIRE_ALL_MAX`, in plans of `FIRE_ALL_BATCH`. The bound needs no memory, because the first plan
 *   passes over all but the latest, and what it passes over stays behind the cursor.
 * - `at` fires, whatever the policy.
 *
 * The other due runs are counted as skipped. Once `maxRuns` have fired, none is due. Where the overlap policy can
 * leave a run out, it is not known yet whether the runs fired here will count, so the cursor still moves on to the
 * next nominal time, and the plan made there ends the schedule. Where runs wait their turn a plan has one, so that
 * the bound on those that wait is met exactly.
 */
export function planRuns(
  webhookId: string,
  schedule: Schedule,
  cursor: RunCursor,
  present: Present,
): RunPlan | null {
  const { now } = present;
  const { nominalAt } = cursor;
  if (nominalAt === null || cursor.dueAt === null || cursor.dueAt > now) return null;
  const runsLeft = runsLeftOf(schedule, cursor);
  if (runsLeft === 0) {
    const to = cursorAt(webhookId, schedule, { ...cursor, nominalAt: null }, present);
    return { fire: [], madeUp: false, to };
  }

  const due = dueRuns(webhookId, schedule, cursor, nominalAt, now);
  // Two show whether any is left, where only one is fired.
  const max = Math.min(runsLeft, schedule.overlap === 'ALLOW' ? FIRE_ALL_BATCH : 2);
  const chosen = choose(webhookId, schedule, cursor, due, now, max);
  const madeUp = schedule.misfire === 'FIRE_ALL' && wereMissed(webhookId, schedule, cursor, chosen, now);
  const takesTurns = schedule.overlap === 'BUFFER' || (madeUp && schedule.overlap !== 'ALLOW');
  const fire = takesTurns ? chosen.slice(0, 1) : chosen;
  // Only FIRE_ALL can leave due runs for the next plan.
  const last = fire.at(-1) ?? due.last;
  const passed = last === due.last ? due.count : due.countThrough(last);
  const next = last === due.last ? due.next : nextNominal(schedule, cursor.anchorAt, last);
  const fired = cursor.fired + fire.length;
  const skipped = cursor.skipped + passed - fire.length;
  const mayBeLeftOut = takesTurns || schedule.overlap === 'SKIP';
  const ends = fire.length === runsLeft && !mayBeLeftOut;
  const to = { anchorAt: cursor.anchorAt, nominalAt: ends ? null : next, fired, skipped };
  return { fire, madeUp, to: cursorAt(webhookId, schedule, to, present) };
}

/** Whether runs are late: there are several, or the one there is is later than a timer makes it. */
function wereMissed(
  webhookId: string,
  schedule: Schedule,
  cursor: RunCursor,
  [first, ...others]: readonly number[],
  now: number,
): boolean {
  if (first === undefined || others.length > 0) return others.length > 0;
  const due = first === cursor.nominalAt ? cursor.dueAt! : dueAt(webhookId, schedule, cursor.anchorAt, first);
  return now - due > MISFIRE_GRACE_MS;
}

/** `to` when so many of the runs that it counts as fired were left out after all: they count as skipped. */
export function leftOut(to: RunCursor, runs: number): RunCursor {
  return runs === 0 ? to : { ...to, fired: to.fired - runs, skipped: to.skipped + runs };
}

/**
 * The cursor of a webhook that was paused or disabled and rings again. The runs that were due in the
 * meantime are counted as skipped. An `at` that was missed stays, and fires.
 */
export function resumeCursor(
  webhookId: string,
  schedule: Schedule | undefined,
  cursor: RunCursor,
  present: Present,
): RunCursor {
  if (schedule === undefined) return cursor;
  const from = renewed(webhookId, schedule, cursor, present) ?? cursor;
  const { nominalAt, anchorAt, fired } = from;
  const { now } = present;
  if (schedule.when.kind === 'at' || nominalAt === null || from.dueAt === null || from.dueAt > now)
    return from;
  if (runsLeftOf(schedule, from) === 0) {
    return cursorAt(webhookId, schedule, { ...from, nominalAt: null }, present);
  }
  const { count, next } = dueRuns(webhookId, schedule, from, nominalAt, now);
  const to = { anchorAt, nominalAt: next, fired, skipped: from.skipped + count };
  return cursorAt(webhookId, schedule, to, present);
}

/** The due runs of a cursor, of which its own is the first. */
interface DueRuns {
  readonly count: number;
  readonly last: number;
  /** The nominal time after the last; null when there is none. */
  readonly next: number | null;
  /** How many there are up to one of them, which is included. */
  countThrough(nominalAt: number): number;
}

function dueRuns(
  webhookId: string,
  schedule: Schedule,
  cursor: RunCursor,
  first: number,
  now: number,
): DueRuns {
  const { anchorAt } = cursor;
  // The cursor's own run counts even if the time zone rules have changed and it is no run by today's.
  const countThrough = (until: number) =>
    until < first ? 0 : 1 + countNominals(schedule, anchorAt, first, until);
  const next = nextNominal(schedule, anchorAt, first);
  if (next === null || next > now) return { count: 1, last: first, next, countThrough };

  // A run is due before the next one's nominal time, so only the latest can be waiting for its jitter.
  let last = latestNominal(schedule, anchorAt, now) ?? first;
  let after: number | null;
  if (dueAt(webhookId, schedule, anchorAt, last) > now) {
    after = last;
    last = Math.max(first, latestNominal(schedule, anchorAt, last - 1) ?? first);
  } else {
    after = nextNominal(schedule, anchorAt, last);
  }
  return { count: countThrough(last), last, next: after, countThrough };
}

function choose(
  webhookId: string,
  schedule: Schedule,
  cursor: RunCursor,
  due: DueRuns,
  now: number,
  max: number,
): number[] {
  if (schedule.when.kind === 'at') return [due.last];
  const windowMs = Math.max(MISFIRE_GRACE_MS, schedule.misfire === 'SKIP' ? 0 : schedule.catchupMs);
  if (schedule.misfire === 'FIRE_ALL')
    return chooseAll(webhookId, schedule, cursor, due, now - windowMs, max);
  const lastDueAt = due.count === 1 ? cursor.dueAt! : dueAt(webhookId, schedule, cursor.anchorAt, due.last);
  return now - lastDueAt <= windowMs ? [due.last] : [];
}

/** The oldest of the runs that are due at `dueFrom` or later and among the latest FIRE_ALL_MAX. */
function chooseAll(
  webhookId: string,
  schedule: Schedule,
  cursor: RunCursor,
  due: DueRuns,
  dueFrom: number,
  max: number,
): number[] {
  const { anchorAt, nominalAt: first } = cursor;
  let next: number | null = first;
  if (cursor.dueAt! < dueFrom) {
    // The run of the last nominal time before the window may be due within it, because of its jitter.
    const edge = Math.max(first!, latestNominal(schedule, anchorAt, dueFrom) ?? first!);
    const edgeDueAt = edge === first ? cursor.dueAt! : dueAt(webhookId, schedule, anchorAt, edge);
    next = edgeDueAt >= dueFrom ? edge : nextNominal(schedule, anchorAt, edge);
  }
  if (next !== null && due.count - due.countThrough(next - 1) > FIRE_ALL_MAX) {
    next = due.last;
    for (let i = 1; i < FIRE_ALL_MAX; i++) next = latestNominal(schedule, anchorAt, next - 1) ?? next;
  }
  const fire: number[] = [];
  while (next !== null && next <= due.last && fire.length < max) {
    fire.push(next);
    next = nextNominal(schedule, anchorAt, next);
  }
  return fire;
}
