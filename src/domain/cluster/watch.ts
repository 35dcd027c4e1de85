import { LEASE_MS } from './lease.ts';

/** How often a node has beaten. Numbers are compared and no times, so no clock but the watcher's own counts. */
export interface NodeBeats {
  readonly node: string;
  readonly beats: number;
}

/** What a node has seen of the beats of others. Times are by its own monotonic clock. */
export interface Watch {
  /** When its last own beat was answered. */
  readonly answeredAt: number;
  /** Of each node the count, and since when it is known to stand there. */
  readonly nodes: ReadonlyMap<string, { readonly beats: number; readonly since: number }>;
}

/** When a beat of one's own was sent and answered. What it brought was read in between. */
export interface BeatTimes {
  readonly sentAt: number;
  readonly answeredAt: number;
}

/**
 * The longest time between the answers to two beats of one's own after which what was seen of others still counts. It
 * leaves time for the others to beat, where the store could not be reached by anybody: shorter than a lease by more
 * than the time between two beats.
 */
const GAP_MAX_MS = LEASE_MS / 2;

/**
 * What is known after one more beat, and which nodes have stood still for a whole lease, and are to be buried. After a
 * gap in one's own beats everybody has a whole lease again: nobody can tell then whose fault it was.
 */
export function observe(
  watch: Watch | undefined,
  found: readonly NodeBeats[],
  { sentAt, answeredAt }: BeatTimes,
): { readonly watch: Watch; readonly still: readonly NodeBeats[] } {
  const isWhole = watch !== undefined && answeredAt - watch.answeredAt <= GAP_MAX_MS;
  const before = isWhole ? watch.nodes : undefined;
  const still: NodeBeats[] = [];
  const nodes = new Map<string, { beats: number; since: number }>();
  for (const { node, beats } of found) {
    const known = before?.get(node);
    const stands = known !== undefined && known.beats === beats;
    // It was first seen before that answer came, and now after this question went: what lies between is sure.
    nodes.set(node, { beats, since: stands ? known.since : answeredAt });
    if (stands && sentAt - known.since >= LEASE_MS) still.push({ node, beats });
  }
  return { watch: { answeredAt, nodes }, still };
}
