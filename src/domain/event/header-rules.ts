import type { FieldViolation } from '../error.ts';
import { quote } from '../text.ts';

/** The bounds on extra headers from one source. All of them together are judged with the request. */
export const HEADER_NAME_LENGTH_MAX = 128;
export const HEADER_VALUE_LENGTH_MAX = 4096;
/** Of all names and values, with the four bytes that separate and end each. */
export const HEADERS_TOTAL_BYTES_MAX = 6144;

/**
 * What a request may have before its body, and how many headers: common receivers take no more (Tomcat and Jetty
 * 8 KiB in all, nginx and Apache that in a line; Apache a hundred headers).
 */
const REQUEST_HEAD_BYTES_MAX = 8192;
const REQUEST_HEADERS_MAX = 100;
/** The request line but for its path, and the headers of the connection: host, connection and content-length. */
const LINE_BYTES = 80;
const CONNECTION_HEADERS = 3;

/** What is wrong with a request's line and headers (names and values in turn); undefined when nothing is. */
export function requestHeadFault({
  destination,
  headers,
}: {
  readonly destination: string;
  readonly headers: readonly string[];
}): string | undefined {
  let bytes = LINE_BYTES + destination.length;
  // Behind a name stand a colon and a space, behind a value the end of the line.
  for (const text of headers) bytes += text.length + 2;
  if (bytes > REQUEST_HEAD_BYTES_MAX) {
    return `the request would have about ${bytes} bytes of headers, with its path: receivers take ${REQUEST_HEAD_BYTES_MAX}`;
  }
  const count = headers.length / 2 + CONNECTION_HEADERS;
  if (count <= REQUEST_HEADERS_MAX) return undefined;
  return `the request would have ${count} headers: receivers take ${REQUEST_HEADERS_MAX}`;
}

/**
 * About what Carillon's own headers take, but for the content type, with the signatures of a webhook whose secret was
 * rotated as often as it may be, and that of its namespace; and how many they are.
 */
const OWN_BYTES = 1_200;
const OWN_HEADERS = 10;

/** What is wrong with the headers that every request to a webhook has, whatever the event brings. */
export function commonHeadFault(
  destination: string,
  contentType: string,
  headers: Readonly<Record<string, string>>,
): string | undefined {
  const own = new Array<string>(2 * OWN_HEADERS - 2).fill('');
  const rest = 'x'.repeat(OWN_BYTES - 2 * own.length);
  return requestHeadFault({
    destination,
    headers: [...Object.entries(headers).flat(), ...own, rest, contentType],
  });
}

/**
 * Judges the extra headers of a webhook, names in any case. One violation for each header that breaks a
 * rule, with the path `webhook.headers["name"]`, and one for all of them when together they are too big
 * or the same name came twice. `contentTypeField` is where a content type goes instead.
 */
export function headerViolations(
  headers: Readonly<Record<string, string>>,
  field = 'webhook.headers',
  contentTypeField = 'payload.content_type',
): FieldViolation[] {
  const violations: FieldViolation[] = [];
  const seen = new Set<string>();
  let total = 0;
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    const description =
      nameFault(lower, contentTypeField) ?? headerValueFault(value) ?? repeatFault(lower, seen);
    if (description !== undefined)
      violations.push({ field: `${field}[${quote(name, HEADER_NAME_LENGTH_MAX + 1)}]`, description });
    seen.add(lower);
    total += name.length + value.length + 4;
  }
  if (total > HEADERS_TOTAL_BYTES_MAX) {
    violations.push({
      field,
      description: `has ${total} bytes of names and values: give at most ${HEADERS_TOTAL_BYTES_MAX}`,
    });
  }
  return violations;
}

/**
 * What is wrong with the value of a header (also `content-type`), or undefined. Values are sent as
 * Latin-1, so there is nothing that could be written for a character outside it; `remedy` says what to do
 * about one.
 */
export function headerValueFault(
  value: string,
  remedy = 'use printable ASCII or Latin-1',
): string | undefined {
  if (value.length > HEADER_VALUE_LENGTH_MAX) {
    return `has a value of ${value.length} characters: give at most ${HEADER_VALUE_LENGTH_MAX}`;
  }
  // RFC 9110, 5.5: visible characters, with spaces and tabs between them; CR, LF and NUL split messages.
  if (/[^\t\x20-\x7e\xa0-\xff]/.test(value)) {
    return `has a value with characters that a header cannot carry: ${remedy}`;
  }
  if (/^[\t ]|[\t ]$/.test(value)) return 'has a value that begins or ends with white space: remove it';
  return undefined;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** Why a name belongs to somebody else. */
const CLOUDEVENTS = 'is an attribute of CloudEvents: give an event extensions, and a webhook the format';
const HOP_BY_HOP = 'concerns the connection and not the message (RFC 9110, 7.6.1): leave it out';
const OURS = 'is set by Carillon: leave it out';

const REFUSED_NAMES: ReadonlyMap<string, string> = new Map([
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings'].map(
    (name) => [name, HOP_BY_HOP] as const,
  ),
  ...['host', 'content-length', 'user-agent', 'expect'].map((name) => [name, OURS] as const),
]);

const REFUSED_PREFIXES: readonly (readonly [string, string])[] = [
  ['proxy-', HOP_BY_HOP],
  ['webhook-', OURS],
  ['carillon-', OURS],
  ['ce-', CLOUDEVENTS],
];

function nameFault(name: string, contentTypeField: string): string | undefined {
  if (name === '') return 'has no name: give one';
  if (name.length > HEADER_NAME_LENGTH_MAX) {
    return `has a name of ${name.length} characters: give at most ${HEADER_NAME_LENGTH_MAX}`;
  }
  // RFC 9110, 5.6.2: a token.
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) {
    return 'has a name that is not a token (RFC 9110, 5.6.2): use letters, digits and -';
  }
  if (name === 'content-type') return `has a field of its own: use ${contentTypeField}`;
  return REFUSED_NAMES.get(name) ?? REFUSED_PREFIXES.find(([prefix]) => name.startsWith(prefix))?.[1];
}

function repeatFault(name: string, seen: ReadonlySet<string>): string | undefined {
  return seen.has(name) ? 'comes twice, in different cases: give each header once' : undefined;
}
