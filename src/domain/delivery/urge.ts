/**
 * The urge of a lane. A caller who has a delivery sent again by hand (RetryDelivery) has mostly seen to the
 * destination first, so the lane need not wait with it. An urge has two halves: leave for one delivery to
 * go although the lane waits, and which delivery goes before the others. The rules of the lane ask for the
 * first, the queue for the second; both are kept in this one value and moved only by the functions below,
 * so that they agree:
 *
 * - asking sets both, whatever was there before: the latest wish counts;
 * - leave is used up by the next delivery that is sent, whichever that is;
 * - the place at the front is given up once the delivery has been found, and when it is not found although
 *   the leave is used up: until then it may still be on its way from the store.
 */
export interface Urge {
  /** ASKED: one delivery may go although the lane waits. SENT: it went so, alone, and has no answer yet. */
  readonly leave: 'NONE' | 'ASKED' | 'SENT';
  /** The ord of the delivery that goes before the others, unless the lane is ordered. */
  readonly first: number | undefined;
}

export const NO_URGE: Urge = { leave: 'NONE', first: undefined };

/** A caller had the delivery with this ord sent again. */
export function askedFor(ord: number): Urge {
  return { leave: 'ASKED', first: ord };
}

/** The delivery that goes first was looked for in memory. */
export function soughtFirst(urge: Urge, found: boolean): Urge {
  return found || urge.leave !== 'ASKED' ? { ...urge, first: undefined } : urge;
}

/** A delivery is sent; `waits` when the lane would have to wait without the leave. */
export function leaveTaken(urge: Urge, waits: boolean): Urge {
  return urge.leave === 'ASKED' ? { ...urge, leave: waits ? 'SENT' : 'NONE' } : urge;
}

/** An attempt came to its end. */
export function leaveOver(urge: Urge): Urge {
  return urge.leave === 'SENT' ? { ...urge, leave: 'NONE' } : urge;
}
