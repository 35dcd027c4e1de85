/** A comparison of a filter: `state = FAILED`. Positions are indexes into the filter. */
export interface Comparison {
  readonly field: string;
  readonly fieldAt: number;
  readonly operator: Operator;
  readonly operatorAt: number;
  /** Without its quotes. */
  readonly value: string;
  readonly valueAt: number;
}

export type Operator = '=' | '<' | '<=' | '>' | '>=';

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

const FIELD = /[a-z_][a-z0-9_.]*/iy;
const OPERATOR = /<=|>=|!=|==|[=<>:]/y;
/** Stricter than AIP-160 only in that it takes : and . as they come, since ids, types and times have them. */
const BARE = /[^\s"'()=<>!,]+/y;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/sy;
const SPACE = /\s*/y;
/** What may follow a value: the end, or space. */
const BOUNDARY = /\s|$/y;
/** Words that are values only in quotes (AIP-160, "Literals"). */
const RESERVED = /^(?:AND|OR|NOT)$/i;

/**
 * Takes a filter apart (https://google.aip.dev/160, of which it is a subset): comparisons joined by AND.
 * An empty one has none. Raises FilterMistake at the first thing that cannot be understood, saying what
 * would be right.
 */
export function readFilterText(text: string): Comparison[] {
  const comparisons: Comparison[] = [];
  let at = 0;

  /** What the pattern finds exactly here, which is then passed. */
  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? [];
    at += found?.length ?? 0;
    return found;
  }

  function readComparison(): Comparison {
    const fieldAt = at;
    const field = take(FIELD);
    if (field === undefined) throw new FilterMistake(at, noField(text.slice(at)));
    if (RESERVED.test(field)) throw new FilterMistake(fieldAt, noField(field));
    take(SPACE);
    const operatorAt = at;
    const operator = take(OPERATOR);
    if (operator === undefined) {
      throw new FilterMistake(at, `expected an operator after ${field}: = < <= > or >=`);
    }
    if (operator === '!=' || operator === '==' || operator === ':') {
      throw new FilterMistake(operatorAt, `${operator} is not an operator here; there are = < <= > and >=`);
    }
    take(SPACE);
    const valueAt = at;
    return { field, fieldAt, operator: operator as Operator, operatorAt, value: readValue(), valueAt };
  }

  function readValue(): string {
    const valueAt = at;
    const quoted = take(QUOTED);
    const value = quoted === undefined ? take(BARE) : quoted.slice(1, -1).replace(/\\(.)/gs, '$1');
    if (value === undefined) {
      const open = /^["']/.exec(text.slice(at));
      throw new FilterMistake(at, open ? 'this quote is not closed' : 'expected a value after the operator');
    }
    if (quoted === undefined && RESERVED.test(value)) {
      throw new FilterMistake(valueAt, `expected a value; put ${value} in quotes if it is one`);
    }
    BOUNDARY.lastIndex = at;
    if (!BOUNDARY.test(text)) throw new FilterMistake(at, afterValue(text.slice(at)));
    return value;
  }

  take(SPACE);
  while (at < text.length) {
    comparisons.push(readComparison());
    take(SPACE);
    if (at === text.length) break;
    const wordAt = at;
    if (take(FIELD) !== 'AND') throw new FilterMistake(wordAt, afterValue(text.slice(wordAt)));
    take(SPACE);
    if (at === text.length) throw new FilterMistake(at, 'expected a comparison after AND');
  }
  return comparisons;
}

function noField(rest: string): string {
  if (rest.startsWith('(')) return 'parentheses are not supported; write comparisons joined by AND';
  if (/^(?:-|NOT\b)/i.test(rest)) return 'negation is not supported; write comparisons joined by AND';
  return 'expected the name of a field';
}

function afterValue(rest: string): string {
  if (/^OR\b/i.test(rest)) return 'OR is not supported; ask once for each of them';
  if (/^and\b/i.test(rest)) return 'write AND in capitals';
  if (/^[()]/.test(rest)) return 'parentheses are not supported; write comparisons joined by AND';
  return 'expected AND or the end; put a value with spaces or signs in quotes';
}
