import type { Span } from '../schedule.ts';
import type { Runs } from './runs.ts';

/** The runs that lie in none of the spans. */
export function outside(spans: readonly Span[], runs: Runs): Runs {
  const gaps = merged(spans);
  if (gaps.length === 0) return runs;
  const around = (time: number) => gaps.find(({ startAt, endAt }) => startAt <= time && time < endAt);

  return {
    first(from, to) {
      let run = runs.first(from, to);
      for (let gap = run !== null && around(run); gap; gap = run !== null && around(run)) {
        run = runs.first(gap.endAt, to);
      }
      return run;
    },
    last(from, to) {
      let run = runs.last(from, to);
      for (let gap = run !== null && around(run); gap; gap = run !== null && around(run)) {
        run = runs.last(from, gap.startAt);
      }
      return run;
    },
    count(from, to) {
      let count = 0;
      let at = from;
      for (const { startAt, endAt } of gaps) {
        if (endAt <= at) continue;
        if (startAt >= to) break;
        if (startAt > at) count += runs.count(at, startAt);
        at = endAt;
      }
      return at < to ? count + runs.count(at, to) : count;
    },
  };
}

/** The same times as spans that neither touch nor overlap, in order. */
function merged(spans: readonly Span[]): Span[] {
  const found: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.startAt - b.startAt)) {
    const last = found.at(-1);
    if (last === undefined || last.endAt < span.startAt) found.push(span);
    else found[found.length - 1] = { startAt: last.startAt, endAt: Math.max(last.endAt, span.endAt) };
  }
  return found;
}
