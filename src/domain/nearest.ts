/**
 * The known word that `word` is most likely a slip of: at most a third of its letters are wrong,
 * missing, too many or swapped with their neighbour, or it is the singular of a known plural. Case,
 * `-` and `_` do not count. Undefined when none is that near.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = plainly(word);
  const plural = plain.replace(/y$/, 'ies');
  if (plural !== plain && known.includes(plural)) return plural;
  let best: string | undefined;
  let least = Math.floor(plain.length / 3) + 1;
  for (const candidate of known) {
    const distance = slips(plain, plainly(candidate), least);
    if (distance < least) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** What to say of a word that is not known, at the end of a sentence: ` (did you mean …?)`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}

function plainly(word: string): string {
  return word.toLowerCase().replace(/^carillon_|[-_]/g, '');
}

/** Optimal string alignment distance; at least `limit` when the lengths alone differ that much. */
function slips(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
