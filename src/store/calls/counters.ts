import type { LaneLength } from '../../domain/delivery/overflow.ts';
import type { CountedLane, Waiting } from '../../domain/delivery/waiting-bounds.ts';

/** How many deliveries wait, in each lane and namespace and in all, counted without asking the database. */
export interface Counters extends Waiting {
  readonly add: (lane: CountedLane, count: number) => void;
  /** The lanes of a namespace in which anything waits. */
  readonly lanes: (namespace: string) => Iterable<LaneLength<number>>;
  /** A transaction begins: what was added before it stays. */
  readonly begin: () => void;
  /** A place to go back to. */
  readonly mark: () => number;
  /** Takes back what was added since a mark. */
  readonly undo: (mark: number) => void;
}

export type Count = readonly [key: number, namespace: string, count: number];

interface Namespace {
  waiting: number;
  readonly lanes: Map<number, number>;
}

export function createCounters(counts: readonly Count[]): Counters {
  const namespaces = new Map<string, Namespace>();
  let total = 0;
  /** What was added in this transaction. Entries before the last mark are not added to. */
  let added: { readonly lane: CountedLane; count: number }[] = [];
  let marked = 0;

  function apply({ key, namespace }: CountedLane, count: number): void {
    total += count;
    let of = namespaces.get(namespace);
    if (of === undefined) {
      of = { waiting: 0, lanes: new Map() };
      namespaces.set(namespace, of);
    }
    of.waiting += count;
    const left = (of.lanes.get(key) ?? 0) + count;
    if (left === 0) {
      of.lanes.delete(key);
      if (of.lanes.size === 0) namespaces.delete(namespace);
    } else {
      of.lanes.set(key, left);
    }
  }

  for (const [key, namespace, count] of counts) apply({ key, namespace }, count);

  return {
    total: () => total,
    of: (namespace) => namespaces.get(namespace)?.waiting ?? 0,
    in: ({ key, namespace }) => namespaces.get(namespace)?.lanes.get(key) ?? 0,
    *lanes(namespace) {
      for (const [key, count] of namespaces.get(namespace)?.lanes ?? []) yield { key, count };
    },
    add(lane, count) {
      apply(lane, count);
      const last = added.length > marked ? added.at(-1) : undefined;
      if (last?.lane.key === lane.key) last.count += count;
      else added.push({ lane, count });
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
      for (const { lane, count } of added.splice(mark)) apply(lane, -count);
      marked = mark;
    },
  };
}
