/** Counts of spans of time, a tenth of a millisecond to a bucket, so that any number of them fits. */
export interface Histogram {
  add(ms: number): void;
  clear(): void;
  read(): Spans;
}

/** In milliseconds; NaN when there were none. */
export interface Spans {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const PER_MS = 10;
/** Longer ones count as this long. */
const SPAN_MAX_MS = 60_000;

export function createHistogram(): Histogram {
  const buckets = new Uint32Array(SPAN_MAX_MS * PER_MS + 1);
  let count = 0;
  let max = Number.NaN;

  function at(share: number): number {
    let left = Math.ceil(count * share);
    if (left === 0) return Number.NaN;
    for (let i = 0; i < buckets.length; i++) {
      left -= buckets[i]!;
      if (left <= 0) return i / PER_MS;
    }
    return SPAN_MAX_MS;
  }

  return {
    add(ms) {
      const bucket = Math.round(Math.min(Math.max(ms, 0), SPAN_MAX_MS) * PER_MS);
      buckets[bucket]!++;
      count++;
      max = Number.isNaN(max) ? ms : Math.max(max, ms);
    },
    clear() {
      buckets.fill(0);
      count = 0;
      max = Number.NaN;
    },
    read: () => ({ count, p50: at(0.5), p99: at(0.99), max }),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
