import { type DomainError, malformed } from '../../domain/error.ts';
import { echoName, PROBLEMS_MAX } from '../../domain/problems.ts';
import { quote } from '../../domain/text.ts';
import type { Turns } from '../../publish/turns.ts';
import { plainJson } from './json-plain.ts';

/** Objects and arrays inside each other. Events in a batch nest 36 deep at most: four levels, and their data. */
export const JSON_DEPTH_MAX = 64;

/**
 * Values in a text, members and elements included: looking at each costs more than the bytes do, and
 * nobody else is served meanwhile. Only events with data as JSON come near it; data as text is one value.
 */
export const JSON_VALUES_MAX = 50_000;

/** A JSON text that was understood. */
export interface ParsedJson {
  readonly value: unknown;
  /** Paths of members that an object has twice (RFC 8259, section 4), which JSON.parse keeps the last of. */
  readonly duplicates: readonly string[];
  /** Paths of what nests too deep, if that is told and not raised; nothing inside of them was looked at. */
  readonly deep?: readonly string[];
}

/** The path that is told of what nests too deep at a path of names and places; undefined where it is raised. */
export type TellDeep = (path: readonly string[]) => string | undefined;

/**
 * Parses JSON, strictly. Raises INVALID that says where a text is broken, which JSON.parse does not
 * always do, or that it nests deeper than `JSON_DEPTH_MAX` or has more than `JSON_VALUES_MAX` values. Takes time in
 * proportion to the text. What nests too deep is raised, unless `tellDeep` takes it.
 */
export function parseJson(text: string, what = 'the body', tellDeep?: TellDeep): ParsedJson {
  const plain = plainJson(text, { depthMax: JSON_DEPTH_MAX, valuesMax: JSON_VALUES_MAX });
  if (plain !== undefined) return { value: plain, duplicates: NONE };
  const steps = inspect(text, what, tellDeep);
  for (;;) {
    const step = steps.next();
    if (step.done) return parsed(text, what, step.value);
  }
}

/** The same, in turns: between members of the outermost object, and between elements of an array in it. */
export async function parseLongJson(
  text: string,
  turns: Pick<Turns, 'isOver' | 'next'>,
  what = 'the body',
  tellDeep?: TellDeep,
): Promise<ParsedJson> {
  const steps = inspect(text, what, tellDeep);
  for (;;) {
    const step = steps.next();
    if (turns.isOver()) await turns.next();
    if (step.done) return parsed(text, what, step.value);
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const NONE: readonly string[] = [];

type Inspected = Required<Omit<ParsedJson, 'value'>>;

function parsed(text: string, what: string, { duplicates, deep }: Inspected): ParsedJson {
  if (deep.length === 0) return { value: JSON.parse(text), duplicates };
  try {
    return { value: JSON.parse(text), duplicates, deep };
  } catch (error) {
    throw wrong(`${what} is not JSON: ${(error as Error).message}`);
  }
}

const FEWER = 'send fewer events at a time, or their data as text';

const SPACE = 0x20;
const SHORT_ESCAPES: ReadonlySet<number> = new Set([...'"\\/bfnrt'].map((each) => each.charCodeAt(0)));
const UNICODE_ESCAPE = /\\u[0-9a-fA-F]{4}/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;

/** Walks the grammar of RFC 8259, and stops between parts of a text that can be long. */
function* inspect(text: string, what: string, tellDeep?: TellDeep): Generator<void, Inspected, void> {
  if (/^[ \t\n\r]*$/.test(text)) throw wrong(`${what} is empty; send a JSON object, {} at least`);
  const duplicates: string[] = [];
  const deep: string[] = [];
  const path: string[] = [];
  let at = 0;
  let values = 0;

  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  // By character codes and not by patterns, which cost several times as much where little is matched.
  const skipWhite = (): void => {
    for (;;) {
      const code = text.charCodeAt(at);
      // Tab, line feed and carriage return; nothing at the end, which is NaN.
      if (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      at++;
    }
  };
  const skipPlain = (): void => {
    for (;;) {
      const code = text.charCodeAt(at);
      // What a string must escape ends it, and so does the end of the text.
      if (!(code >= SPACE) || code === QUOTE || code === BACKSLASH) return;
      at++;
    }
  };
  const sees = (character: string): boolean => {
    skipWhite();
    return text[at] === character;
  };
  const takes = (character: string): boolean => {
    if (!sees(character)) return false;
    at++;
    return true;
  };

  const fail = (expected: string): never => {
    const found = at >= text.length ? 'the end' : quote(String.fromCodePoint(text.codePointAt(at)!));
    let line = 1;
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0 && end < at; end = text.indexOf('\n', start)) {
      line++;
      start = end + 1;
    }
    const place = `line ${line}, column ${at - start + 1}`;
    throw wrong(`${what} is not JSON: expected ${expected} but found ${found} at ${place}`);
  };

  /** Returns whether there are escapes in it. */
  const string = (): boolean => {
    at++;
    let escaped = false;
    for (;;) {
      skipPlain();
      const code = text.charCodeAt(at);
      if (code === QUOTE) break;
      if (code !== BACKSLASH) fail('the end of a string, or an escape');
      if (SHORT_ESCAPES.has(text.charCodeAt(at + 1))) at += 2;
      else if (!take(UNICODE_ESCAPE)) fail('a valid escape');
      escaped = true;
    }
    at++;
    return escaped;
  };

  const nameOf = (): string => {
    const start = at;
    return string() ? JSON.parse(text.slice(start, at)) : text.slice(start + 1, at - 1);
  };

  /** As far as the value of a member, whose name is pushed on the path. */
  const member = (seen: Set<string>): void => {
    if (!sees('"')) fail('a member name in double quotes');
    const name = nameOf();
    path.push(path.length === 0 ? echoName(name) : `.${echoName(name)}`);
    if (seen.has(name) && duplicates.length < PROBLEMS_MAX) duplicates.push(path.join(''));
    seen.add(name);
    if (!takes(':')) fail('":"');
  };

  const object = (depth: number): void => {
    const seen = new Set<string>();
    if (takes('}')) return;
    do {
      member(seen);
      value(depth);
      path.pop();
    } while (takes(','));
    if (!takes('}')) fail('"," or "}"');
  };

  const array = (depth: number): void => {
    if (takes(']')) return;
    let index = 0;
    do {
      path.push(`[${index++}]`);
      value(depth);
      path.pop();
    } while (takes(','));
    if (!takes(']')) fail('"," or "]"');
  };

  const count = (): void => {
    if (++values <= JSON_VALUES_MAX) return;
    throw tooComplex(`${what} has more than ${JSON_VALUES_MAX} values: ${FEWER}`, {
      maxValues: JSON_VALUES_MAX,
    });
  };

  /** Goes past what nests too deep, without a look at more than where it ends. */
  const pass = (): void => {
    let open = 0;
    do {
      skipWhite();
      if (at >= text.length) fail('"," or "]"');
      const character = text[at]!;
      if (character === '"') string();
      else {
        at++;
        if (character === '{' || character === '[') open++;
        else if (character === '}' || character === ']') open--;
        if (character === ',' || character === '{' || character === '[') count();
      }
    } while (open > 0);
  };

  const told = (): boolean => {
    const at = tellDeep?.(path);
    if (at !== undefined && deep.length < PROBLEMS_MAX) deep.push(at);
    return at !== undefined;
  };

  const value = (depth: number): void => {
    count();
    if (sees('{') || sees('[')) {
      if (depth >= JSON_DEPTH_MAX) {
        if (told()) {
          pass();
          return;
        }
        throw tooComplex(`${what} nests deeper than ${JSON_DEPTH_MAX} objects and arrays`, {
          maxDepth: JSON_DEPTH_MAX,
        });
      }
      if (text[at++] === '{') object(depth + 1);
      else array(depth + 1);
    } else if (sees('"')) string();
    else if (!take(NUMBER) && !take(WORD)) fail('a value');
  };

  /** The outermost object, which has the long lists of a request. */
  function* members(): Generator<void, void, void> {
    const seen = new Set<string>();
    if (takes('}')) return;
    do {
      member(seen);
      if (sees('[')) yield* elements();
      else value(1);
      path.pop();
      yield;
    } while (takes(','));
    if (!takes('}')) fail('"," or "}"');
  }

  function* elements(): Generator<void, void, void> {
    count();
    at++;
    if (takes(']')) return;
    let index = 0;
    do {
      path.push(`[${index++}]`);
      value(2);
      path.pop();
      yield;
    } while (takes(','));
    if (!takes(']')) fail('"," or "]"');
  }

  if (sees('{')) {
    count();
    at++;
    yield* members();
  } else value(0);
  skipWhite();
  if (at < text.length) fail('nothing more');
  return { duplicates, deep };
}

function tooComplex(description: string, metadata: Readonly<Record<string, number>>): DomainError {
  return malformed('JSON_TOO_COMPLEX', description, metadata);
}

/** An error about the request as a whole. */
function wrong(description: string): DomainError {
  return malformed('MALFORMED_JSON', description);
}
