/**
 * A small reader of the head of an answer, for those that undici does not take. It is as lenient as RFC 9112
 * lets a recipient be, because the receiver has the event by then: what it meant decides, and the connection
 * is closed in any case.
 */

/** What the head says, or why it cannot be read. */
export type AnswerHead =
  | {
      readonly status: number;
      /** Names in lower case; fields of one name joined with a comma. */
      readonly headers: Readonly<Record<string, string>>;
      /** How long the body is; undefined when it is chunked, or ends with the connection. */
      readonly bodyLength: number | undefined;
      readonly chunked: boolean;
      /** Where the body begins. */
      readonly end: number;
    }
  /** To be put behind "the answer from …". */
  | { readonly fault: string };

/**
 * Where the head ends, that is after its empty line; -1 when it is not complete. Lines may end with LF alone
 * (RFC 9112, 2.2). `searched` bytes are known to hold no end.
 */
export function headEnd(bytes: Buffer, searched = 0): number {
  const line = bytes.indexOf(LF);
  if (line < 0) return -1;
  const from = Math.max(line - 1, searched - EMPTY_LINE.length);
  if (bytes[line - 1] === CR) {
    const at = bytes.indexOf(EMPTY_LINE, from);
    if (at >= 0) return at + EMPTY_LINE.length;
  }
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return -1;
}

/** Undefined when it is not complete, or is not one of HTTP/1.x. */
export function readHead(bytes: Buffer): AnswerHead | undefined {
  const end = headEnd(bytes);
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).trimEnd().split(/\r?\n/);
  const status = /^HTTP\/1\.\d ([1-9]\d\d)(?: |$)/.exec(statusLine)?.[1];
  if (status === undefined) return undefined;
  const fields = readFields(lines);
  if ('fault' in fields) return fields;
  const { headers } = fields;
  const chunked = headers['transfer-encoding'] !== undefined;
  // Transfer-Encoding overrides Content-Length (RFC 9112, 6.3).
  const length = chunked ? undefined : bodyLength(headers['content-length']);
  if (typeof length === 'string') return { fault: length };
  return { status: Number(status), headers, bodyLength: length, chunked, end };
}

/**
 * What Content-Length says, which may have come several times if it is always the same (RFC 9110, 8.6);
 * otherwise the words for what is wrong with it.
 */
export function bodyLength(field: string | undefined): number | string | undefined {
  if (field === undefined) return undefined;
  const lengths = field.split(',').map((length) => length.trim());
  const odd = lengths.find((length) => !/^\d{1,15}$/.test(length));
  if (odd !== undefined)
    return `has a Content-Length that is no number (${JSON.stringify(odd.slice(0, 40))})`;
  const [first, ...others] = new Set(lengths.map(Number));
  return others.length === 0 ? first : `has different lengths (Content-Length: ${first} and ${others[0]})`;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const CR = 0x0d;
const LF = 0x0a;
const EMPTY_LINE = Buffer.from('\r\n\r\n');

type Fields = { readonly headers: Readonly<Record<string, string>> } | { readonly fault: string };

function readFields(lines: readonly string[]): Fields {
  const headers = new Map<string, string>();
  let last: string | undefined;
  for (const line of lines) {
    if (/^[ \t]/.test(line)) {
      if (last === undefined) return { fault: 'has white space before its first header' };
      // A folded line stands for one space (RFC 9112, 5.2).
      headers.set(last, `${headers.get(last)} ${line.trim()}`.trim());
      continue;
    }
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      return { fault: `has a line that is no header (${JSON.stringify(line.slice(0, 40))})` };
    }
    if (/[\0\r]/.test(value)) return { fault: `has a control character in its header ${name.slice(0, 40)}` };
    last = name.toLowerCase();
    const before = headers.get(last);
    headers.set(last, before === undefined ? value : `${before}, ${value}`);
  }
  return { headers: Object.fromEntries(headers) };
}
