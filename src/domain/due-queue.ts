/**
 * Things by when they are due, soonest first: a heap with four children to a node over two flat
 * arrays, because the scheduler keeps up to hundreds of thousands and asks at every tick. An id may be
 * in it more than once: whoever takes it out checks whether it is really due.
 */
export interface DueQueue<T> {
  readonly size: number;
  /** When the soonest is due; Infinity when there is none. */
  readonly nextDueAt: number;
  push(item: T, dueAt: number): void;
  /** Takes out the soonest if it is due at `now`. */
  popDue(now: number): T | undefined;
  clear(): void;
}

const CHILDREN = 4;
const INITIAL = 256;

export function createDueQueue<T>(): DueQueue<T> {
  let due = new Float64Array(INITIAL);
  let items: T[] = [];
  let size = 0;

  function place(at: number, item: T, dueAt: number): void {
    due[at] = dueAt;
    items[at] = item;
  }

  function grow(): void {
    const grown = new Float64Array(due.length * 2);
    grown.set(due);
    due = grown;
  }

  /** Puts the last item where the first was taken out, and lets it sink to its place. */
  function sink(item: T, dueAt: number): void {
    let at = 0;
    for (;;) {
      const first = at * CHILDREN + 1;
      if (first >= size) break;
      let least = first;
      for (let child = first + 1; child < Math.min(first + CHILDREN, size); child++) {
        if (due[child]! < due[least]!) least = child;
      }
      if (due[least]! >= dueAt) break;
      place(at, items[least]!, due[least]!);
      at = least;
    }
    place(at, item, dueAt);
  }

  return {
    get size() {
      return size;
    },
    get nextDueAt() {
      return size === 0 ? Number.POSITIVE_INFINITY : due[0]!;
    },
    push(item, dueAt) {
      if (size === due.length) grow();
      let at = size++;
      while (at > 0) {
        const parent = (at - 1) >> 2;
        if (due[parent]! <= dueAt) break;
        place(at, items[parent]!, due[parent]!);
        at = parent;
      }
      place(at, item, dueAt);
    },
    popDue(now) {
      if (size === 0 || due[0]! > now) return undefined;
      const soonest = items[0]!;
      size--;
      const last = items[size]!;
      const lastDueAt = due[size]!;
      items.length = size;
      if (size > 0) sink(last, lastDueAt);
      return soonest;
    },
    clear() {
      due = new Float64Array(INITIAL);
      items = [];
      size = 0;
    },
  };
}
