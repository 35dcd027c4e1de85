import { RE2JS } from '@bufbuild/re2';
import { type BoundedCache, boundedCache } from '../bounded-cache.ts';

/**
 * Regular expressions of filters. RE2 takes time in proportion to the text and to its program, whatever
 * the expression; both are bounded.
 */
export interface Regex {
  /** The length of its program, which is what one character costs at most. */
  readonly instructions: number;
  test(text: string): boolean;
}

/** The longest expression; a repetition such as `a{1000}` makes a program far longer than itself. */
export const REGEX_LENGTH_MAX = 256;
/** The longest program. */
const REGEX_INSTRUCTIONS_MAX = 500;

const REGEXES_MAX = 256;
/** States of its automaton that an expression may keep from one evaluation to the next; one can take 2 KB. */
const STATES_MAX = 200;

interface Kept extends Regex {
  readonly states: () => number;
}

let kept: BoundedCache<string, Kept> = boundedCache(REGEXES_MAX);
/** Those that were used since states were last forgotten. */
const used = new Map<string, Kept>();

/** Compiles an expression. Raises an error that says what is wrong with it, or that it is too long. */
export function compileRegex(pattern: string): Regex {
  const known = used.get(pattern) ?? kept.get(pattern);
  const regex = known ?? make(pattern);
  if (known === undefined) kept.set(pattern, regex);
  used.set(pattern, regex);
  return regex;
}

/** Gives up what expressions have learnt of texts, where that is much. */
export function forgetStates(): void {
  if (used.size === 0) return;
  for (const { states } of used.values()) {
    // An automaton cannot be emptied, and a cache not of one entry: it is rare enough to begin anew.
    if (states() > STATES_MAX) kept = boundedCache(REGEXES_MAX);
  }
  used.clear();
}

function make(pattern: string): Kept {
  if (pattern.length > REGEX_LENGTH_MAX) {
    throw new Error(
      `a regular expression of ${pattern.length} characters: at most ${REGEX_LENGTH_MAX} are allowed`,
    );
  }
  const compiled = RE2JS.compile(pattern);
  const { prog, dfa } = compiled.re2();
  const instructions = prog.numInst();
  if (instructions > REGEX_INSTRUCTIONS_MAX) {
    throw new Error('a regular expression with too many alternatives or repetitions');
  }
  return { instructions, test: (text) => compiled.test(text), states: () => dfa.stateCount };
}
