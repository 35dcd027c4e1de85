import type { Waiting } from '../../domain/delivery/waiting-bounds.ts';

/** How many deliveries wait, in each namespace and in all, counted without asking the database. */
export interface Counters extends Waiting {
  readonly add: (namespace: string, count: number) => void;
  /** A transaction begins: what was added before it stays. */
  readonly begin: () => void;
  /** A place to go back to. */
  readonly mark: () => number;
  /** Takes back what was added since a mark. */
  readonly undo: (mark: number) => void;
}

export function createCounters(counts: readonly (readonly [namespace: string, count: number])[]): Counters {
  const waiting = new Map(counts);
  let total = counts.reduce((sum, [, count]) => sum + count, 0);
  /** What was added in this transaction. Entries before the last mark are not added to. */
  let added: { readonly namespace: string; count: number }[] = [];
  let marked = 0;

  function apply(namespace: string, count: number): void {
    total += count;
    const left = (waiting.get(namespace) ?? 0) + count;
    if (left === 0) waiting.delete(namespace);
    else waiting.set(namespace, left);
  }

  return {
    total: () => total,
    of: (namespace) => waiting.get(namespace) ?? 0,
    add(namespace, count) {
      apply(namespace, count);
      const last = added.length > marked ? added.at(-1) : undefined;
      if (last?.namespace === namespace) last.count += count;
      else added.push({ namespace, count });
    },
    begin() {
      added = [];
      marked = 0;
    },
    mark() {
      marked = added.length;
      return marked;
    },
    undo(mark) {
      for (const { namespace, count } of added.splice(mark)) apply(namespace, -count);
      marked = mark;
    },
  };
}
