import type { Clock } from './clock.ts';
import { toRfc3339 } from './rfc3339.ts';

/** The first silence after something was said of trouble; each further one is twice as long. */
const GAP_MS = 10_000;
const GAP_MS_MAX = 3_600_000;
/** Reasons that are told apart; a new one is news. */
const REASONS_MAX = 20;

/** What is known of trouble while it goes on. */
export interface TroubleSoFar {
  /** When it began. */
  readonly since: number;
  readonly failures: number;
}

/**
 * When to speak of something that fails over and over: the first time, for each new reason, at growing gaps of up
 * to an hour, and when it is over. The log stays readable, and nobody takes silence for health.
 */
export interface Trouble {
  /** It failed once more. Returns what to say of it, or undefined to say nothing. */
  failed(reason: string): TroubleSoFar | undefined;
  /** It went well. Returns what is over, or undefined where nothing was wrong. */
  isOver(): TroubleSoFar | undefined;
}

export function createTrouble(clock: Pick<Clock, 'now' | 'monotonic'>): Trouble {
  let since: number | undefined;
  let failures = 0;
  let nextAt = 0;
  let gapMs = 0;
  const reasons = new Set<string>();

  return {
    failed(reason) {
      const now = clock.monotonic();
      since ??= clock.now();
      failures++;
      const isNews = !reasons.has(reason) && reasons.size < REASONS_MAX;
      if (isNews) reasons.add(reason);
      else if (now < nextAt) return undefined;
      gapMs = Math.min(Math.max(GAP_MS, 2 * gapMs), GAP_MS_MAX);
      nextAt = now + gapMs;
      return { since, failures };
    },
    isOver() {
      if (since === undefined) return undefined;
      const over = { since, failures };
      since = undefined;
      failures = 0;
      gapMs = 0;
      reasons.clear();
      return over;
    },
  };
}

/** The same as fields of a line of the log. What has failed once has not gone on yet. */
export function troubleFields({ since, failures }: TroubleSoFar): Record<string, unknown> {
  return failures === 1 ? {} : { since: toRfc3339(since), failures };
}
