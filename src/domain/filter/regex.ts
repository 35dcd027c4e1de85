import { RE2JS } from '@bufbuild/re2';
import { type BoundedCache, boundedCache } from '../bounded-cache.ts';
import { COMPARISONS_PER_STEP } from '../meter.ts';

/**
 * Regular expressions of filters. RE2 goes through a text once, from state to state of an automaton that it makes as
 * it needs it. So an evaluation pays for the characters, and for each way from one state to another that it is the first
 * to take in this evaluation: what earlier ones have left behind makes it quicker and no cheaper, or what fails
 * would depend on what came before.
 */
export interface Regex {
  /** Whether a part of the text matches. Takes steps by `charge`, which raises an error when they are not there. */
  test(text: string, charge: (steps: number) => void): boolean;
}

/** The longest expression; a repetition such as `a{1000}` makes a program far longer than itself. */
export const REGEX_LENGTH_MAX = 256;
/** The longest program. */
const REGEX_INSTRUCTIONS_MAX = 500;

const REGEXES_MAX = 256;
/** States of its automaton that an expression may keep from one evaluation to the next; one can take 2 KB. */
const STATES_MAX = 200;
/** Ways of other characters than those of ASCII that it may keep. */
const WAYS_MAX = 5_000;

/** Characters that are gone through in a step. */
const CHARACTERS_PER_STEP = 16;
/** What a way between two states takes: something, and more for each instruction that is in the state. */
const WAY_STEPS = 6;
const INSTRUCTIONS_PER_STEP = 4;
/** How many ways there can be for one character where it matters what is before it: at `^`, `$` and `\b`. */
const CONTEXTS = 4;
/** The characters of ASCII. */
const ASCII = 128;

type Engine = ReturnType<RE2JS['re2']>;
type Automaton = Engine['dfa'];
type State = NonNullable<Automaton['startState']>;

interface Kept extends Regex {
  /** Whether it has learnt so much of texts that it is not to be kept. */
  isFull(): boolean;
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
  for (const regex of used.values()) {
    // An automaton cannot be emptied, and a cache not of one entry: it is rare enough to begin anew.
    if (regex.isFull()) kept = boundedCache(REGEXES_MAX);
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
  if (prog.numInst() > REGEX_INSTRUCTIONS_MAX) {
    throw new Error('a regular expression with too many alternatives or repetitions');
  }
  const meter = metered(dfa);
  return {
    test(text, charge) {
      // The texts that a match has to have are looked for first.
      charge(1 + (text.length * pattern.length) / COMPARISONS_PER_STEP);
      meter.begin(text.length, charge);
      return compiled.test(text);
    },
    isFull: () => dfa.stateCount > STATES_MAX || meter.ways() > WAYS_MAX,
  };
}

// ── The meter ──────────────────────────────────────────────────────────────────────────────────────

/** A state with what the meter notes about it. */
type Noted = State & {
  /** In which evaluation it was last left by each character of ASCII, and by others. */
  times?: Uint32Array;
  others?: Map<number, number>;
  /** Where it was left to by each character, if that does not depend on what is around. */
  ways?: Noted[];
};

/** That a state knows no way: the automaton looks here before it asks, and is to ask at each character. */
const NO_WAYS: null[] = new Array(ASCII).fill(null);

/** Makes an automaton pay for what it does. */
function metered(automaton: Automaton) {
  let charge: (steps: number) => void = () => {};
  let unpaid = 0;
  let evaluation = 0;
  let ways = 0;
  const step = automaton.step.bind(automaton);
  const resolveEmptyWidth = automaton.resolveEmptyWidth.bind(automaton);
  const resolved = new WeakMap<Int32Array, ReturnType<typeof resolveEmptyWidth>[]>();

  function noted(state: Noted): Uint32Array {
    state.times = new Uint32Array(ASCII);
    state.ways = state.nextAscii as Noted[];
    state.nextAscii = NO_WAYS;
    return state.times;
  }

  /** Whether a state was left by this character before, in this evaluation. */
  function wasLeft(state: Noted, character: number): boolean {
    const times = state.times ?? noted(state);
    if (character < ASCII) {
      if (times[character] === evaluation) return true;
      times[character] = evaluation;
      return false;
    }
    state.others ??= new Map();
    const time = state.others.get(character);
    if (time === evaluation) return true;
    if (time === undefined) ways++;
    state.others.set(character, evaluation);
    return false;
  }

  automaton.step = (state: Noted, character, anchor, context) => {
    if (wasLeft(state, character)) {
      const next = state.ways![character];
      if (next) return next;
    } else {
      charge(unpaid);
      unpaid = 0;
      const price = WAY_STEPS + state.nfaStates.length / INSTRUCTIONS_PER_STEP;
      charge(state.hasEmptyWidth ? price * CONTEXTS : price);
    }
    state.nextAscii = state.ways!;
    const next = step(state, character, anchor, context);
    state.nextAscii = NO_WAYS;
    return next;
  };
  automaton.resolveEmptyWidth = (instructions, context) => {
    let known = resolved.get(instructions);
    if (known === undefined) {
      known = [];
      resolved.set(instructions, known);
    }
    known[context] ??= resolveEmptyWidth(instructions, context);
    return known[context];
  };

  return {
    ways: () => ways,
    /** Begins an evaluation that goes through so many characters, unless a text that is wanted is not there. */
    begin(characters: number, payer: typeof charge) {
      charge = payer;
      unpaid = characters / CHARACTERS_PER_STEP;
      evaluation = (evaluation + 1) >>> 0;
    },
  };
}
