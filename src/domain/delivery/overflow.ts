/**
 * Which lanes overflow, and by how much: those with more waiting than their webhook allows, and of a namespace
 * that is too full the longest. What is given up is chosen by the webhook's own policy.
 */

/** What of a full lane is given up: its oldest waiting deliveries, or its newest. */
export type OverflowPolicy = 'DROP_OLDEST' | 'DROP_NEWEST';

/** How many deliveries may wait for a webhook that says nothing else. */
export const LANE_WAITING_DEFAULT = 1_000_000;

/** A lane, and how much waits in it. */
export interface LaneLength<Key> {
  readonly key: Key;
  readonly count: number;
}

/** What is to be given up of a lane. */
export interface Excess<Key> {
  readonly key: Key;
  readonly excess: number;
}

/** Lanes of a namespace that overflow at a time. */
const LANES_MAX = 100;
/** What is given up of each of many lanes that are equally long, so that it is done in few steps. */
const STEP = 5;

/**
 * How to give up so many deliveries of the longest lanes. The longest goes down to the next, and so on, a bounded
 * part at a time; it costs one look at each lane.
 */
export function overLongest<Key>(lanes: Iterable<LaneLength<Key>>, excess: number): Excess<Key>[] {
  const longest = longestOf(lanes);
  const shares: Excess<Key>[] = [];
  let left = excess;
  for (const [i, { key, count }] of longest.entries()) {
    if (left <= 0) break;
    const next = longest[i + 1]?.count ?? 0;
    const share = Math.min(left, count, Math.max(STEP, count - next));
    shares.push({ key, excess: share });
    left -= share;
  }
  return shares;
}

/** Longest first. */
function longestOf<Key>(lanes: Iterable<LaneLength<Key>>): LaneLength<Key>[] {
  const longest: LaneLength<Key>[] = [];
  for (const lane of lanes) {
    if (longest.length === LANES_MAX && lane.count <= longest.at(-1)!.count) continue;
    const at = longest.findIndex(({ count }) => count < lane.count);
    longest.splice(at < 0 ? longest.length : at, 0, lane);
    if (longest.length > LANES_MAX) longest.pop();
  }
  return longest;
}
