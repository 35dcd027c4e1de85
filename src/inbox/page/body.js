/** Tokens times their depth that are indented: a body of nothing but brackets would be megabytes of spaces. */
const INDENTED_MAX = 1_000_000;
/** Tokens that are coloured; the rest of a long body is plain. */
const COLOURED_MAX = 20_000;
/** What is shown as hex; the whole can be saved. */
const HEX_BYTES_MAX = 64 * 1024;

/**
 * What can be shown of a body: `pretty` is a function that returns a node, or undefined where
 * there is no prettier way; `text` is what it says; `binary` whether that is not all of it.
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
  return { text, binary, pretty: complete && !binary ? prettyOf(text, contentType) : undefined };
}

/** A control character that no text has; a terminal's escape does occur in text. */
const isControl = (byte) => byte < 0x20 && (byte < 0x09 || byte > 0x0d) && byte !== 0x1b;

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
function prettyJson(tokens) {
  const out = document.createDocumentFragment();
  let plain = '';
  let depth = 0;
  const flush = () => {
    out.append(plain);
    plain = '';
  };
  const newLine = () => {
    plain += `\n${'  '.repeat(depth)}`;
  };
  for (const [i, token] of tokens.entries()) {
    if (token === '{' || token === '[') {
      plain += token;
      depth++;
      if (!isClose(tokens[i + 1])) newLine();
    } else if (isClose(token)) {
      depth--;
      if (!isOpen(tokens[i - 1])) newLine();
      plain += token;
    } else if (token === ',') {
      plain += token;
      newLine();
    } else if (token === ':') {
      plain += ': ';
    } else if (i > COLOURED_MAX) {
      plain += token;
    } else {
      flush();
      const span = document.createElement('span');
      span.className = token[0] !== '"' ? 'literal' : tokens[i + 1] === ':' ? 'key' : 'string';
      span.textContent = token;
      out.append(span);
    }
  }
  flush();
  return out;
}

const isOpen = (token) => token === '{' || token === '[';
const isClose = (token) => token === '}' || token === ']';

/** A form's fields, one a line. */
function prettyForm(text) {
  const out = document.createDocumentFragment();
  for (const [name, value] of new URLSearchParams(text)) {
    const key = document.createElement('span');
    key.className = 'key';
    key.textContent = name;
    out.append(key, ` = ${value}\n`);
  }
  return out;
}

/** Offsets, bytes and characters, as hexdump -C prints them; `more` where the end is left out. */
export function hexOf(bytes, perLine) {
  const shown = bytes.subarray(0, HEX_BYTES_MAX);
  const lines = [];
  for (let at = 0; at < shown.length; at += perLine) {
    const line = shown.subarray(at, at + perLine);
    let hex = '';
    let characters = '';
    for (let i = 0; i < perLine; i++) {
      if (i === 8) hex += ' ';
      const byte = line[i];
      hex += byte === undefined ? '   ' : `${byte.toString(16).padStart(2, '0')} `;
      if (byte !== undefined) characters += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
    }
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex} ${characters}`);
  }
  return { text: lines.join('\n'), more: shown.length < bytes.length, shownBytes: shown.length };
}
