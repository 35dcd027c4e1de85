/** Cleaning up in the background. Which errors the port raises, and when, is said in `store.ts`. */

export interface Housekeeping {
  /**
   * One small batch of housekeeping: cancels deliveries of removed webhooks, deletes deliveries finished
   * before `finishedBefore` with their attempts, and events published before it that have no deliveries
   * left, erases the data of events published before `payloadsBefore` that have no waiting deliveries, and
   * forgets what need not be remembered any more: callers' ids of events that are gone, calls with a name
   * whose time is over, signing secrets that have ended, entries of the audit log made before `finishedBefore`, and changes that no watcher can be expected to read. Returns how many rows it touched,
   * at most `SWEEP_BATCH`; 0 means that nothing is left to do.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  sweep(query: SweepQuery): Promise<number>;

  /**
   * A server begins to work on this store. Answers when one last did, to two minutes (`sweep` notes it); undefined
   * where none has. After a time away of more than `awayMs`, for how long each webhook has failed counts anew:
   * nobody asked its destination meanwhile. Raises UNAVAILABLE and EXHAUSTED.
   */
  comeBack(query: { readonly now: number; readonly awayMs: number }): Promise<number | undefined>;

  /**
   * The clock was put back by so much, to `now`. What waits for a time that is later than that is moved with it,
   * so that it does not wait longer, and so are the times in the health of webhooks. A wait that began after the
   * clock was put back becomes shorter than it was to be. Raises UNAVAILABLE and EXHAUSTED; some is moved then.
   */
  moveBack(query: { readonly byMs: number; readonly now: number }): Promise<void>;

  /**
   * Takes what was erased out of what the store keeps of its past writes, such as a write-ahead log, and gives
   * space back where that has become large. Returns whether nothing of either is left to do: somebody who reads
   * the database meanwhile can prevent it. Raises UNAVAILABLE and EXHAUSTED.
   */
  emptyLog(): Promise<boolean>;

  /**
   * Writes all that is stored anew, so that nothing is left of what was erased, nor of copies that were made when rows
   * moved, and empties the log. It takes as long as copying the database does, and as much space meanwhile. Returns false
   * where somebody who reads the database keeps the log from being emptied. Raises UNAVAILABLE and EXHAUSTED.
   */
  rewrite(): Promise<boolean>;

  /**
   * What a store does beside others, who do not wait for it: it makes room ahead for what will be kept, takes away as a
   * whole what is kept no longer, and clears dead rows away. To be called about once a minute; what could not be
   * done now is done then. Raises UNAVAILABLE and EXHAUSTED.
   */
  tidy(query: Pick<SweepQuery, 'now' | 'finishedBefore'>): Promise<void>;

  /**
   * Whether the store can keep what it is given: returns why not, for people, or undefined if it can. Meanwhile verbs that
   * change something are refused with UNAVAILABLE; those by which work is finished that was taken before are
   * tried if there is hope. To be called about once a second: it also tries whether what was missing is there again.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  checkUp(): Promise<string | undefined>;
}

export interface SweepQuery {
  readonly now: number;
  readonly finishedBefore: number;
  readonly payloadsBefore: number;
}

/** Rows that one `sweep`, or the part of a removal that is done at once, touches at most. */
export const SWEEP_BATCH = 500;
