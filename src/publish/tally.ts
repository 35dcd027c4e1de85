/** Things that failed, to be told in one line. */
export interface Tally {
  readonly ids: readonly string[];
  /** Of the first. */
  readonly reason: string;
  add(id: string, reason: string): void;
}

export function createTally(): Tally {
  const ids: string[] = [];
  let first = '';
  return {
    ids,
    get reason() {
      return first;
    },
    add(id, reason) {
      if (ids.length === 0) first = reason;
      ids.push(id);
    },
  };
}
