import { clip } from '../text.ts';

/** What is wrong with a filter, and where. */
export class FilterMistake extends Error {
  /** An index into the filter. */
  readonly at: number;

  /** `description` follows the place: `expected AND`. */
  constructor(at: number, description: string) {
    super(description);
    this.name = 'FilterMistake';
    this.at = at;
  }
}

/** A filter that was taken apart. Positions are indexes into it. */
export type Expression =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Expression[] }
  | { readonly kind: 'not'; readonly of: Expression }
  | Comparison;

/** `state = FAILED`, `labels.team != a`, `labels:team`. */
export interface Comparison {
  readonly kind: 'comparison';
  readonly field: string;
  readonly fieldAt: number;
  /** What follows the first dot of the field. */
  readonly key: string | undefined;
  readonly operator: Operator;
  readonly operatorAt: number;
  readonly value: Value;
}

export type Operator = (typeof OPERATORS)[number];

export interface Value {
  /** Without quotes and escapes. */
  readonly text: string;
  /** Where in the text a * stands for any characters. */
  readonly stars: readonly number[];
  readonly at: number;
}

const OPERATORS = ['=', '!=', '<', '<=', '>', '>=', ':'] as const;

/** Comparisons in a filter, and parentheses inside each other. The proto files say so too. */
export const COMPARISONS_MAX = 64;
export const DEPTH_MAX = 16;

/** How much of a field a message repeats. */
const PATH_LENGTH = 64;

const NAME = /[a-z_][a-z0-9_]*/iy;
/** What may follow a dot in a field. */
const SEGMENT = /[^\s"'()=<>!,:.]+/y;
const DOT = /\./y;
const OPERATOR = /<=|>=|!=|==|[=<>:]/y;
/** Laxer than AIP-160 only in that it takes : and . as they come, since ids, types and times have them. */
const BARE = /[^\s"'()=<>!,]+/y;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/sy;
const SPACE = /\s*/y;
const MINUS = /-/y;
const OPEN = /\(/y;
const CLOSE = /\)/y;
const WORD = /[a-z]+(?![a-z0-9_.])/iy;
/** What may follow a value: the end, space or a parenthesis. */
const BOUNDARY = /\s|\)|$/y;
/** Words that are values only in quotes (AIP-160, "Literals"). */
const RESERVED = /^(?:AND|OR|NOT)$/;

/**
 * Takes a filter apart by the grammar of AIP-160 (https://google.aip.dev/160), in which OR binds tighter than
 * AND, and NOT tighter than both. Functions, literals without a field, and terms without a word between them
 * are left out. Undefined for an empty one. Raises FilterMistake at the first thing that cannot be
 * understood, saying what would be right.
 */
export function parseFilter(text: string): Expression | undefined {
  let at = 0;
  let comparisons = 0;
  let depth = 0;

  /** What the pattern finds exactly here, which is then passed. */
  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? [];
    at += found?.length ?? 0;
    return found;
  }

  /** The word here; it is passed if it is this one. */
  function takeWord(word: string): boolean {
    const before = at;
    if (take(WORD) === word) return true;
    at = before;
    return false;
  }

  function readExpression(): Expression {
    return readAll('AND', () => readAll('OR', readTerm));
  }

  /** Expressions joined by a word. */
  function readAll(word: 'AND' | 'OR', read: () => Expression): Expression {
    const of = [read()];
    for (;;) {
      take(SPACE);
      if (!takeWord(word)) break;
      take(SPACE);
      if (at === text.length) throw new FilterMistake(at, `expected a comparison after ${word}`);
      of.push(read());
    }
    return of.length === 1 ? of[0]! : { kind: word === 'AND' ? 'and' : 'or', of };
  }

  function readTerm(): Expression {
    const negated = take(MINUS) !== undefined || takeWord('NOT');
    if (negated) take(SPACE);
    const term = take(OPEN) === undefined ? readComparison() : readGroup();
    return negated ? { kind: 'not', of: term } : term;
  }

  /** What follows an opening parenthesis, with the closing one. */
  function readGroup(): Expression {
    if (++depth > DEPTH_MAX) {
      throw new FilterMistake(at - 1, `has more than ${DEPTH_MAX} parentheses inside each other`);
    }
    take(SPACE);
    const inside = readExpression();
    if (take(CLOSE) === undefined) throw new FilterMistake(at, afterTerm(text.slice(at), ')'));
    depth--;
    return inside;
  }

  function readComparison(): Comparison {
    const fieldAt = at;
    const field = take(NAME);
    if (field === undefined || RESERVED.test(field))
      throw new FilterMistake(fieldAt, noField(text.slice(fieldAt)));
    if (++comparisons > COMPARISONS_MAX) {
      throw new FilterMistake(fieldAt, `has more than ${COMPARISONS_MAX} comparisons`);
    }
    const key = readKey();
    const path = text.slice(fieldAt, at);
    take(SPACE);
    const operatorAt = at;
    const operator = take(OPERATOR);
    if (operator === undefined) {
      throw new FilterMistake(
        at,
        `expected an operator after ${clip(path, PATH_LENGTH)}: = != < <= > >= or :`,
      );
    }
    if (!isOperator(operator)) {
      throw new FilterMistake(
        operatorAt,
        `${operator} is not an operator here; there are = != < <= > >= and :`,
      );
    }
    take(SPACE);
    return { kind: 'comparison', field, fieldAt, key, operator, operatorAt, value: readValue() };
  }

  /** What follows the dots of a field; a key of a map can have dots itself. */
  function readKey(): string | undefined {
    const segments: string[] = [];
    while (take(DOT) !== undefined) {
      const quoted = take(QUOTED);
      const segment = quoted === undefined ? take(SEGMENT) : quoted.slice(1, -1).replace(/\\(.)/gs, '$1');
      if (segment === undefined) throw new FilterMistake(at, 'expected a name after the dot');
      segments.push(segment);
    }
    return segments.length === 0 ? undefined : segments.join('.');
  }

  function readValue(): Value {
    const valueAt = at;
    const quoted = take(QUOTED);
    const value = quoted === undefined ? bareValue(take(BARE), valueAt) : quotedValue(quoted, valueAt);
    if (value === undefined) throw new FilterMistake(at, noValue(text.slice(at)));
    if (quoted === undefined && RESERVED.test(value.text)) {
      throw new FilterMistake(valueAt, `expected a value; put ${value.text} in quotes if it is one`);
    }
    BOUNDARY.lastIndex = at;
    if (!BOUNDARY.test(text)) throw new FilterMistake(at, afterTerm(text.slice(at), 'the end'));
    return value;
  }

  take(SPACE);
  if (at === text.length) return undefined;
  const expression = readExpression();
  if (at < text.length) throw new FilterMistake(at, afterTerm(text.slice(at), 'the end'));
  return expression;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function isOperator(text: string): text is Operator {
  return OPERATORS.some((operator) => operator === text);
}

function bareValue(text: string | undefined, at: number): Value | undefined {
  return text === undefined ? undefined : { text, stars: starsIn(text), at };
}

function quotedValue(quoted: string, at: number): Value {
  const stars: number[] = [];
  let text = '';
  for (const [piece] of quoted.slice(1, -1).matchAll(/\\?./gs)) {
    if (piece === '*') stars.push(text.length);
    text += piece.length > 1 && piece.startsWith('\\') ? piece.slice(1) : piece;
  }
  return { text, stars, at };
}

function starsIn(text: string): number[] {
  return Array.from(text.matchAll(/\*/g), ({ index }) => index);
}

function noField(rest: string): string {
  if (/^(?:-|NOT\b)/.test(rest)) return 'expected a field or ( after NOT; it can be negated once';
  if (rest.startsWith(')')) return 'expected the name of a field before )';
  return 'expected the name of a field';
}

function noValue(rest: string): string {
  if (/^["']/.test(rest)) return 'this quote is not closed';
  if (rest.startsWith('(')) return 'expected one value; join comparisons by OR for several';
  return 'expected a value after the operator';
}

/** `end` is what could stand there: the end, or a parenthesis. */
function afterTerm(rest: string, end: string): string {
  const [word = ''] = /^(?:and|or)\b/i.exec(rest) ?? [];
  if (word !== '') return `write ${word.toUpperCase()} in capitals`;
  if (rest.startsWith(')')) return 'this parenthesis closes none';
  return `expected AND, OR or ${end}; put a value with spaces or signs in quotes`;
}
