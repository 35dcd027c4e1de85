/** Tokens times their depth that are indented: a body of nothing but brackets would be megabytes of spaces. */
const INDENTED_MAX = 1_000_000;
/** Tokens that are coloured; the rest of a long body is plain. */
const COLOURED_MAX = 20_000;

/**
 * What can be shown of a body. Each way is lines, and a line is the parts of it, `[class, text]` where the
 * class can be empty. `pretty` is undefined where there is no prettier way; `binary` says that `raw` is not
 * all that the bytes are.
 *
 * Lines are made as they are asked for, since the beginning of a long body is all that most people look at.
 */
export function readBody(bytes, contentType, complete) {
  let text;
  let binary = false;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    binary = bytes.some(isControl);
  } catch {
    text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    // A text of which only the beginning was kept can end within a character.
    binary = complete || text.slice(0, -1).includes('\ufffd');
  }
  return {
    binary,
    pretty: complete && !binary ? prettyOf(text, contentType) : undefined,
    raw: () => linesOf(text),
    hex: (perLine) => hexLines(bytes, perLine),
  };
}

/** A control character that no text has; a terminal's escape does occur in text. */
const isControl = (byte) => byte < 0x20 && (byte < 0x09 || byte > 0x0d) && byte !== 0x1b;

function* linesOf(text) {
  let at = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
    yield [['', text.slice(at, end)]];
    at = end + 1;
  }
  yield [['', text.slice(at)]];
}

function prettyOf(text, contentType) {
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) return () => prettyForm(text);
  const claimed = /^[^;]*\bjson\b/i.test(contentType);
  if (!claimed && !/^\s*[[{]/.test(text)) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const tokens = text.match(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  return tokens.length * depthOf(tokens) > INDENTED_MAX ? undefined : () => prettyJson(tokens);
}

function depthOf(tokens) {
  let depth = 0;
  let deepest = 0;
  for (const token of tokens) {
    if (isOpen(token)) deepest = Math.max(deepest, ++depth);
    else if (isClose(token)) depth--;
  }
  return deepest;
}

/**
 * Valid JSON, indented and coloured. Its tokens stay as they were written: to parse and print it would
 * round long numbers and lose repeated keys, and this is a place to see what was really sent.
 */
function* prettyJson(tokens) {
  let line = [];
  let plain = '';
  let depth = 0;
  const ended = () => {
    const done = plain === '' ? line : [...line, ['', plain]];
    line = [];
    plain = '  '.repeat(depth);
    return done;
  };
  for (const [i, token] of tokens.entries()) {
    if (isOpen(token)) {
      plain += token;
      depth++;
      if (!isClose(tokens[i + 1])) yield ended();
    } else if (isClose(token)) {
      depth--;
      if (!isOpen(tokens[i - 1])) yield ended();
      plain += token;
    } else if (token === ',') {
      plain += token;
      yield ended();
    } else if (token === ':') {
      plain += ': ';
    } else if (i > COLOURED_MAX) {
      plain += token;
    } else {
      if (plain !== '') line.push(['', plain]);
      plain = '';
      line.push([token[0] !== '"' ? 'literal' : tokens[i + 1] === ':' ? 'key' : 'string', token]);
    }
  }
  yield ended();
}

const isOpen = (token) => token === '{' || token === '[';
const isClose = (token) => token === '}' || token === ']';

/** A form's fields, one a line. */
function* prettyForm(text) {
  for (const [name, value] of new URLSearchParams(text)) {
    yield [
      ['key', name],
      ['', ` = ${value}`],
    ];
  }
}

/** Offsets, bytes and characters, as hexdump -C prints them. */
function* hexLines(bytes, perLine) {
  for (let at = 0; at < bytes.length; at += perLine) {
    const line = bytes.subarray(at, at + perLine);
    let hex = '';
    let characters = '';
    for (let i = 0; i < perLine; i++) {
      if (i === 8) hex += ' ';
      const byte = line[i];
      hex += byte === undefined ? '   ' : `${byte.toString(16).padStart(2, '0')} `;
      if (byte !== undefined) characters += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
    }
    yield [['', `${at.toString(16).padStart(6, '0')}  ${hex} ${characters}`]];
  }
}
