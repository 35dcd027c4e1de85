import type { Verdict } from './settle.ts';
import { askedFor, leaveOver, leaveTaken, NO_URGE, soughtFirst, type Urge } from './urge.ts';

/**
 * The rules of a lane: when the queue of a webhook's waiting deliveries may next move. They are pure: the
 * dispatcher holds the queue and the clock, and asks here.
 */

/** The part of a lane's state that outlives the process. It is written only when it changes. */
export interface LaneHealth {
  /** The first failure since the last success; null while the destination is well. */
  readonly failingSince: number | null;
  /** How often the circuit breaker opened since the last success; 0 while it is closed. */
  readonly trips: number;
  /** When a probe may go, once the breaker has opened; null while it is closed. */
  readonly openUntil: number | null;
  /**
   * The destination asked (Retry-After) to be left alone until then, in whole seconds, so that it is not
   * written for each answer that says nearly the same; null when it did not.
   */
  readonly holdUntil: number | null;
}

/** A lane in good health. */
export const HEALTHY: LaneHealth = { failingSince: null, trips: 0, openUntil: null, holdUntil: null };

export function isHealthy(health: LaneHealth): boolean {
  return isWell(health) && health.holdUntil === null;
}

/** What keeps a lane from moving, for as long as it is to. */
export interface Hold {
  readonly reason: 'BREAKER_OPEN' | 'RETRY_AFTER';
  readonly until: number;
}

/** The hold that ends last, if there is any. */
export function holdOf({ openUntil, holdUntil }: LaneHealth): Hold | undefined {
  if (holdUntil !== null && holdUntil >= (openUntil ?? 0)) return { reason: 'RETRY_AFTER', until: holdUntil };
  return openUntil === null ? undefined : { reason: 'BREAKER_OPEN', until: openUntil };
}

/** What the webhook's limits and state say. */
export interface LaneRules {
  /** False while the webhook is paused or disabled. */
  readonly open: boolean;
  /** Requests in flight at once; 1 when ordered. */
  readonly concurrency: number;
  /** Tokens a second and the most that can be saved up; undefined when unlimited. */
  readonly rate?: { readonly perSecond: number; readonly burst: number };
}

/** How the lane is, apart from what waits in it. */
export interface LaneState {
  readonly inFlight: number;
  readonly health: LaneHealth;
  /** Attempts in a row that found the destination unavailable. */
  readonly failures: number;
  /** The destination asked (Retry-After) to be left alone until then. The health has it for after a restart. */
  readonly holdUntil: number;
  /** How often in a row trouble of our own came between, and until when the lane waits because of it. */
  readonly troubles: number;
  readonly troubleUntil: number;
  /** Tokens in the bucket at `tokensAt`. */
  readonly tokens: number;
  readonly tokensAt: number;
  /** Whether a caller had something sent again by hand. */
  readonly urge: Urge;
}

/** Failures in a row that open the breaker. */
export const BREAKER_FAILURES = 5;
/** How long the breaker stays open the first time; it doubles each time a probe fails. */
export const BREAKER_OPEN_MS = 5_000;
/** The longest that it stays open. */
export const BREAKER_OPEN_MAX_MS = 5 * 60_000;
/** A destination that failed for this long and then succeeds has recovered, even if its breaker never opened. */
export const RECOVERY_AFTER_MS = 5 * 60_000;
/** How long a lane waits after trouble of our own; it doubles each time. */
export const TROUBLE_MS = 1_000;
/** The longest that it waits. */
export const TROUBLE_MAX_MS = 60_000;
/** The part by which a wait is changed, either way, so that lanes do not probe in step. */
const WAIT_JITTER = 0.2;
/** After this many doublings the bound is reached in any case; the limit keeps 2^n finite. */
const DOUBLINGS_MAX = 16;

/**
 * A new lane. Its bucket was empty at `since`, when this node began to own the lane, and has been filling
 * since then: so after a takeover the two owners together never exceed the rate.
 */
export function newLane(health: LaneHealth, since: number): LaneState {
  const fresh = { inFlight: 0, failures: 0, troubles: 0, troubleUntil: 0, tokens: 0, urge: NO_URGE };
  return { ...fresh, health, holdUntil: health.holdUntil ?? 0, tokensAt: since };
}

/** How many deliveries may go now; when none may, the time to look again (Infinity: when something happens). */
export interface Turn {
  readonly go: number;
  readonly again: number;
}

/** None may, until something happens. */
export const NEVER: Turn = { go: 0, again: Number.POSITIVE_INFINITY };

export function next(lane: LaneState, rules: LaneRules, now: number): Turn {
  if (!rules.open) return NEVER;
  const probing = lane.health.openUntil !== null || lane.troubles > 0;
  const free = (probing ? 1 : rules.concurrency) - lane.inFlight;
  if (free <= 0) return NEVER;
  if (lane.troubleUntil > now) return { go: 0, again: lane.troubleUntil };
  const wait = waitsUntil(lane);
  // It goes alone, so that its answer tells how the destination is now.
  if (wait > now && (lane.urge.leave !== 'ASKED' || lane.inFlight > 0)) return { go: 0, again: wait };
  const most = wait > now ? 1 : free;
  if (rules.rate === undefined) return { go: most, again: now };
  const tokens = tokensNow(lane, rules.rate, now) + ROUNDING;
  if (tokens >= 1) return { go: Math.min(most, Math.floor(tokens)), again: now };
  // Rounded up, because a millisecond early the token would not be there yet.
  return { go: 0, again: now + Math.ceil(((1 - tokens) * 1000) / rules.rate.perSecond) };
}

/** The lane with the health of its webhook's row, which knows better when the lane is new here, or that began anew. */
export function resumed(lane: LaneState, health: LaneHealth): LaneState {
  return { ...lane, health, failures: 0, holdUntil: health.holdUntil ?? 0, troubles: 0, troubleUntil: 0 };
}

/**
 * The lane after it was found that the network has been out on our side since then: what failed since then,
 * and not before, is not the destination's fault.
 */
export function excused(lane: LaneState, since: number): LaneState {
  const { failingSince, holdUntil } = lane.health;
  if (failingSince === null || failingSince < since) return lane;
  return { ...lane, failures: 0, health: { ...HEALTHY, holdUntil } };
}

/**
 * The lane after a caller had the delivery with this ord sent again by hand: one delivery goes now, whatever
 * the breaker and Retry-After say. If it fails, the lane waits as it did.
 */
export function urged(lane: LaneState, ord: number): LaneState {
  return { ...lane, urge: askedFor(ord) };
}

/** The lane after the delivery that is to go first was looked for in memory. */
export function sought(lane: LaneState, found: boolean): LaneState {
  return { ...lane, urge: soughtFirst(lane.urge, found) };
}

/** The lane after the clock was put back by so much: it waits as long as it was to. */
export function movedBack(lane: LaneState, byMs: number): LaneState {
  const { failingSince, trips, openUntil, holdUntil } = lane.health;
  const back = (time: number | null): number | null => (time === null ? null : time - byMs);
  return {
    ...lane,
    health: {
      trips,
      failingSince: back(failingSince),
      openUntil: back(openUntil),
      holdUntil: back(holdUntil),
    },
    holdUntil: lane.holdUntil - byMs,
    troubleUntil: lane.troubleUntil - byMs,
    tokensAt: lane.tokensAt - byMs,
  };
}

/** The lane after one of its deliveries was sent. */
export function started(lane: LaneState, rules: LaneRules, now: number): LaneState {
  const inFlight = lane.inFlight + 1;
  const urge = leaveTaken(lane.urge, waitsUntil(lane) > now);
  if (rules.rate === undefined) return { ...lane, inFlight, urge };
  const tokens = tokensNow(lane, rules.rate, now) - 1;
  return { ...lane, inFlight, urge, tokens, tokensAt: now };
}

/** The lane after an attempt came to its end. `unit` is in [0, 1). */
export function finished(lane: LaneState, verdict: Verdict, now: number, unit: number): LaneState {
  const inFlight = lane.inFlight - 1;
  const urge = leaveOver(lane.urge);
  if (verdict.ours) return { ...troubled(lane, now, unit), inFlight, urge };
  const over = { inFlight, urge, troubles: 0, troubleUntil: 0 };
  if (verdict.success) {
    // The destination has been seen to, so what it asked for before does not hold any more.
    const holdUntil = lane.urge.leave === 'SENT' ? 0 : lane.holdUntil;
    const health = withHold(healthAfterSuccess(lane.health), holdUntil, now);
    return { ...lane, ...over, holdUntil, failures: 0, health };
  }
  const failures = verdict.unavailable ? lane.failures + 1 : 0;
  const holdUntil =
    verdict.retryAfterMs > 0 ? Math.max(lane.holdUntil, now + verdict.retryAfterMs) : lane.holdUntil;
  const health = withHold(healthAfterFailure(lane.health, verdict, failures, now, unit), holdUntil, now);
  return { ...lane, ...over, failures, holdUntil, health };
}

/**
 * The lane after an attempt that failed by trouble of our own. It waits, and then sends one delivery. For how
 * long the destination fails is counted anew: for a time nobody asked it.
 */
function troubled(lane: LaneState, now: number, unit: number): LaneState {
  const health = lane.health.failingSince === null ? lane.health : { ...lane.health, failingSince: null };
  // Others that were in flight at the same time met with the same trouble.
  if (lane.troubleUntil > now) return { ...lane, health };
  const waitMs = backedOff(TROUBLE_MS, TROUBLE_MAX_MS, lane.troubles, unit);
  return { ...lane, health, troubles: lane.troubles + 1, troubleUntil: now + waitMs };
}

export function backedOff(firstMs: number, maxMs: number, times: number, unit: number): number {
  const doubled = firstMs * 2 ** Math.min(times, DOUBLINGS_MAX);
  return Math.round(Math.min(doubled, maxMs) * (1 + WAIT_JITTER * (2 * unit - 1)));
}

function isWell({ failingSince, trips, openUntil }: LaneHealth): boolean {
  return failingSince === null && trips === 0 && openUntil === null;
}

// Each of these returns the same object when nothing has changed, so that the caller knows that there is
// nothing to write.

function withHold(health: LaneHealth, until: number, now: number): LaneHealth {
  const holdUntil = until > now ? Math.ceil(until / 1000) * 1000 : null;
  return health.holdUntil === holdUntil ? health : { ...health, holdUntil };
}

function healthAfterSuccess(health: LaneHealth): LaneHealth {
  return isWell(health) ? health : { ...HEALTHY, holdUntil: health.holdUntil };
}

function healthAfterFailure(
  health: LaneHealth,
  verdict: Verdict,
  failures: number,
  now: number,
  unit: number,
): LaneHealth {
  const failingSince = health.failingSince ?? now;
  const isOpen = health.openUntil !== null;
  // It was reached and answered, if badly. The breaker only counts destinations that cannot be reached.
  if (!verdict.unavailable)
    return isOpen || health.failingSince === null
      ? { ...health, failingSince, trips: 0, openUntil: null }
      : health;
  // Attempts sent before the breaker opened must not open it again: only a probe does.
  const opens = isOpen ? health.openUntil! <= now : failures >= BREAKER_FAILURES;
  if (!opens) return health.failingSince === null ? { ...health, failingSince } : health;
  const openMs = backedOff(BREAKER_OPEN_MS, BREAKER_OPEN_MAX_MS, health.trips, unit);
  return { ...health, failingSince, trips: health.trips + 1, openUntil: now + openMs };
}

/** Whether a destination that has failed since then is to be disabled. */
export function failsTooLong(health: LaneHealth, disableAfterMs: number, now: number): boolean {
  return health.failingSince !== null && now - health.failingSince >= disableAfterMs;
}

/**
 * Whether a success is news: since the last one the breaker had opened, or `RECOVERY_AFTER_MS` had passed
 * with failures only. `health` is the lane's health before the success.
 */
export function isRecovery(health: LaneHealth, now: number): boolean {
  return health.trips > 0 || failsTooLong(health, RECOVERY_AFTER_MS, now);
}

/** Whether the lane is just as a new one would be, so that it can be forgotten. */
export function isForgettable(lane: LaneState, rules: LaneRules, now: number): boolean {
  if (lane.inFlight > 0 || lane.failures > 0 || lane.holdUntil > now || lane.troubleUntil > now) return false;
  return rules.rate === undefined || tokensNow(lane, rules.rate, now) >= rules.rate.burst;
}

/**
 * The most that one lane may have in flight when the node as a whole has `inFlight` of `inFlightMax`: an
 * eighth of what is still free. So however many destinations hang, some room is left for the others.
 * Source: the dynamic threshold of Choudhury and Hahne, "Dynamic queue length thresholds for
 * shared-memory packet switches", IEEE/ACM Transactions on Networking 6(2), 1998.
 */
export function fairShare(inFlight: number, inFlightMax: number): number {
  return Math.ceil((inFlightMax - inFlight) / 8);
}

/** The time until which the breaker or Retry-After keeps the lane from moving. */
function waitsUntil({ holdUntil, health }: LaneState): number {
  return Math.max(holdUntil, health.openUntil ?? 0);
}

/** Sums of fractions can lack this much of the token that is there at the time that was computed for it. */
const ROUNDING = 1e-9;

function tokensNow(lane: LaneState, rate: { perSecond: number; burst: number }, now: number): number {
  // When the clock was put back, nothing is earned and nothing is taken away.
  const earned = (Math.max(0, now - lane.tokensAt) * rate.perSecond) / 1000;
  return Math.min(rate.burst, lane.tokens + earned);
}
