/**
 * What filters and templates may cost, counted in steps. The count follows from what is evaluated and what it
 * is given alone, never from the time that passes: what is too costly is so on every machine, and nothing else
 * fails on one that is slow or busy. One step is a fraction of a microsecond.
 */

/** Characters that functions go through in a step, where a function does not say otherwise. */
export const CHARACTERS_PER_STEP = 32;
/** Characters compared in a step where text is looked for in text: V8 can take the product of their lengths. */
export const COMPARISONS_PER_STEP = 1_000;

export interface Meter {
  /** Begins anew, with `taken` of all steps taken. Evaluating is synchronous, so there is one evaluation at a time. */
  start(taken?: number): void;
  /** Takes steps. Raises an error when there are not enough left, and then for every further one. */
  charge(steps: number): void;
}

export function createMeter(stepsMax: number): Meter {
  let left = 0;
  return {
    start(taken = 0) {
      left = stepsMax - taken;
    },
    charge(steps) {
      left -= steps;
      // It stays below zero, so that an error which an operator swallows does not go on.
      if (left < 0) throw new Error(`takes more than ${stepsMax} steps`);
    },
  };
}
