/**
 * Deliveries whose end is on disk while a poll may still bring their row as it was before: the store had
 * noted the row earlier, and hands it over only now. Taken for a new one, it would be sent twice.
 *
 * Invariant: an ord is in here from the moment its end is on disk until a poll that began after that
 * moment has been taken in. That poll brings everything noted before the end; what a later one brings was
 * noted since, because a caller had the delivery sent again, and is new indeed.
 *
 * It holds what is settled between two polls, which follow each other within a second.
 */
export interface Finished {
  /** Notes a delivery whose end is on disk. */
  note(ord: number): void;
  /** Whether the row that a poll brings of a delivery may be older than its end. */
  has(ord: number): boolean;
  /** A poll begins; there is one at a time. */
  pollBegins(): void;
  /** What the poll brought has been taken in. */
  pollEnds(): void;
}

export function createFinished(): Finished {
  /** Finished since the last poll began. */
  let fresh = new Set<number>();
  /** Finished before it began. */
  let covered = new Set<number>();
  return {
    note: (ord) => void fresh.add(ord),
    has: (ord) => fresh.has(ord) || covered.has(ord),
    pollBegins() {
      // A poll that failed was not taken in: what it covered is covered by this one.
      for (const ord of covered) fresh.add(ord);
      covered = fresh;
      fresh = new Set();
    },
    pollEnds() {
      covered = new Set();
    },
  };
}
