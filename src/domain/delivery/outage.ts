import type { Outcome } from './attempt.ts';

/**
 * Whether the network is out on our side. When attempts to several origins fail to connect within a minute,
 * and none is answered, it is more likely that this machine cannot reach anybody than that all of them went
 * away together. It is out from then on until any attempt is answered: retries can be far apart.
 */
export interface Reach {
  /** The last that could not be reached since any was, each origin once, oldest first; at most `ORIGINS`. */
  readonly missed: readonly Missed[];
  readonly isOut: boolean;
}

/** An origin that could not be reached: first, and last. */
interface Missed {
  readonly origin: string;
  readonly first: number;
  readonly at: number;
}

/** So many origins have to fail, within `WITHIN_MS`. */
export const ORIGINS = 5;
export const WITHIN_MS = 60_000;

export const IN_REACH: Reach = { missed: [], isOut: false };

/** What is known after an attempt at an origin. The same object when that is nothing new. */
export function reachAfter(reach: Reach, origin: string, outcome: Outcome, now: number): Reach {
  if (outcome.kind === 'answered') return reach.missed.length === 0 ? reach : IN_REACH;
  if (reach.isOut || !isMissed(outcome)) return reach;
  const recent = reach.missed.filter((each) => now - each.at <= WITHIN_MS);
  const first = recent.find((each) => each.origin === origin)?.first ?? now;
  const missed = [...recent.filter((each) => each.origin !== origin), { origin, first, at: now }];
  return { missed, isOut: missed.length >= ORIGINS };
}

/** When the outage began, of one that was just found out: with the first failure in the last minute. */
export function outSince({ missed }: Reach, now: number): number {
  return Math.max(Math.min(now, ...missed.map(({ first }) => first)), now - WITHIN_MS);
}

/** Whether the network being out explains this outcome. */
export function isExcused({ isOut }: Reach, outcome: Outcome): boolean {
  return isOut && outcome.kind === 'failed' && EXCUSED.has(outcome.errorClass);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const EXCUSED: ReadonlySet<string> = new Set(['CONNECT', 'DNS', 'TIMEOUT', 'RESET', 'TLS', 'OAUTH']);

/** Whether there was no connection. What comes after that says less about the network. */
function isMissed({ errorClass, timing }: Extract<Outcome, { kind: 'failed' }>): boolean {
  if (errorClass === 'TIMEOUT') return timing.waitMs === undefined;
  return errorClass === 'CONNECT' || errorClass === 'DNS';
}
