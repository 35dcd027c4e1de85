/** A snapshot of a database that numbers its transactions, as `pg_current_snapshot()` has it. */
export interface Snapshot {
  /** The first number that was not given out yet. */
  readonly xmax: bigint;
  /** Transactions below that were under way: what they write is not seen in it. */
  readonly xip: readonly bigint[];
}

/** Where the next poll goes on: it reads rows with `xid >= from`, and those of the transactions that were `open`. */
export interface Cursor {
  readonly from: bigint;
  readonly open: readonly bigint[];
}

/**
 * The cursor after a poll with this snapshot. What a transaction wrote that the snapshot does not see is at `from` or
 * above it, or in `open`, so the first poll that can see a row returns it, however long its writer takes.
 *
 * `seen` is the highest number that this node has itself seen committed. The snapshot's own xmax can lie above: when the
 * server crashes, numbers that were given out and not written down are given out again, to rows that are not to be missed.
 */
export function cursorAfter({ xmax, xip }: Snapshot, seen: bigint): Cursor {
  const from = seen + 1n < xmax ? seen + 1n : xmax;
  return { from, open: xip.filter((xid) => xid < from) };
}
