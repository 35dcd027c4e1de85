/** Instants at which something rings: distinct, and found without going through those before. */
export interface Runs {
  /** The first in [from, to); null when there is none. */
  first(from: number, to: number): number | null;
  /** The last in [from, to); null when there is none. */
  last(from: number, to: number): number | null;
  /** How many there are in [from, to). */
  count(from: number, to: number): number;
}
