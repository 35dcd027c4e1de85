/** An escape that was cut, such as `\u00`; not the end of `\\u00`, which is a backslash and three letters. */
const HALF_ESCAPE = /(?<=(?:^|[^\\])(?:\\\\)*)\\u[\da-f]{0,3}$/i;

/**
 * Reads as much of a JSON object or list as there is, since a text that was cut still begins with something:
 * its `value`, and whether it `isCut`. Undefined for what is no JSON, or neither of the two.
 *
 * A value is `{ members }` with names and values in their order, `{ items }`, or `{ text, isText }`, where a
 * number is the text that it was written as.
 */
export function readStart(text) {
  let at = 0;
  let isCut = false;

  const match = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  const next = () => {
    match(/\s*/y);
    if (at === text.length) isCut = true;
    return text[at];
  };
  const expect = (...characters) => {
    const found = next();
    if (isCut) return undefined;
    if (!characters.includes(found)) throw new Malformed();
    at++;
    return found;
  };

  /** What stands between two brackets, up to the end of the text. */
  function list(close, readOne) {
    const all = [];
    at++;
    if (next() === close) {
      at++;
      return all;
    }
    while (!isCut) {
      const one = readOne();
      if (one !== undefined) all.push(one);
      if (isCut || expect(',', close) === close) break;
      next();
    }
    return all;
  }

  function member() {
    if (next() !== '"') throw new Malformed();
    const name = string();
    expect(':');
    const value = isCut ? undefined : read();
    return value === undefined ? undefined : [name, value];
  }

  function string() {
    const [, inside, end] = match(/"((?:[^"\\]|\\.)*)\\?("?)/sy);
    if (end === '') isCut = true;
    try {
      return JSON.parse(`"${isCut ? inside.replace(HALF_ESCAPE, '') : inside}"`);
    } catch {
      throw new Malformed();
    }
  }

  function read() {
    const first = next();
    if (isCut) return undefined;
    if (first === '{') return { members: list('}', member) };
    if (first === '[') return { items: list(']', read) };
    if (first === '"') return { text: string(), isText: true };
    const literal = match(/(?:true|false|null|-?\d[\d.eE+-]*)/y)?.[0];
    if (literal !== undefined) return { text: literal, isText: false };
    // The beginning of a word, at the end of what there is.
    if (match(/[a-z]{1,4}$|-$/y) === null) throw new Malformed();
    isCut = true;
    return undefined;
  }

  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const value = read();
    // More behind it: several values, which is no JSON.
    return !isCut && text.slice(at).trim() !== '' ? undefined : { value, isCut };
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

class Malformed extends Error {}
