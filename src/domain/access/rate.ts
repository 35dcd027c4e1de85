/**
 * So many a second, and as many at once as `burst`. What was taken is remembered as one number, the time at which it is
 * paid off (the leaky bucket of ITU-T I.371).
 */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** What a limit comes to: the new time to remember, or how long until one more may be taken. */
export type Taken = { readonly paidAt: number } | { readonly waitMs: number };

/** Takes one. `paidAt` is what the last returned; 0 before the first. Both times are of a clock that never goes back. */
export function takeOne({ perSecond, burst }: Rate, paidAt: number, now: number): Taken {
  const eachMs = 1000 / perSecond;
  const next = Math.max(paidAt, now) + eachMs;
  const waitMs = next - now - burst * eachMs;
  // Fractions of a millisecond are what is left of a division.
  return waitMs > 1e-6 ? { waitMs } : { paidAt: next };
}
