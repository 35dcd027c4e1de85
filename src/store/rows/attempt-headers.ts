import { isSecretHeader, MASK } from '../../domain/webhook/secret-headers.ts';

/**
 * The headers of an attempt as one text: a line for each, first those that were sent, then, after an empty
 * line, those that came back. Names that are common are one letter.
 */
const LETTERS: Readonly<Record<string, string>> = {
  ':url': 'U',
  'webhook-id': 'I',
  'webhook-timestamp': 'T',
  'webhook-signature': 'S',
  'carillon-attempt': 'A',
  'carillon-event-id': 'V',
  'carillon-replay-of': 'R',
  'carillon-scheduled-at': 'N',
  'content-type': 't',
  'content-length': 'l',
  'content-encoding': 'e',
  'user-agent': 'u',
  host: 'h',
  accept: 'a',
  'accept-encoding': 'i',
  authorization: 'z',
  'ce-id': '1',
  'ce-source': '2',
  'ce-specversion': '3',
  'ce-subject': '4',
  'ce-time': '5',
  'ce-type': '6',
  'cache-control': 'C',
  connection: 'c',
  date: 'd',
  etag: 'E',
  'keep-alive': 'k',
  location: 'L',
  'retry-after': 'r',
  server: 's',
  'set-cookie': 'o',
  'transfer-encoding': 'x',
  vary: 'v',
};
const NAMES = new Map(Object.entries(LETTERS).map(([name, letter]) => [letter, name]));
const BY_NAME = new Map(Object.entries(LETTERS));

/** Where the request went, after its headers and erased with them. No header has such a name. */
export const URL_NAME = ':url';

/** The delivery's own id as webhook-id, which need not be written. */
const OWN_ID = 'w';
/** Before a name that has no letter; a colon, which no name has, ends it. */
const WRITTEN = '~';
/** Begins a text in JSON, which keeps what has no place in lines: values with line breaks, and odd names. */
const JSON_MARK = '{';

export interface BothHeaders {
  readonly sent: readonly string[];
  readonly received: Readonly<Record<string, string>>;
}

/** `sent` is names and values in turn, `id` the delivery's. */
export function writeHeaders(
  sent: readonly string[],
  received: Readonly<Record<string, string>>,
  id: string,
): string {
  let text = '';
  for (let i = 0; i < sent.length; i += 2) {
    const line =
      sent[i] === 'webhook-id' && sent[i + 1] === id ? `${OWN_ID}\n` : write(sent[i]!, sent[i + 1]!);
    if (line === undefined) return JSON.stringify({ sent, received });
    text += line;
  }
  let between = '\n';
  for (const name in received) {
    const line = write(name, received[name]!);
    if (line === undefined) return JSON.stringify({ sent, received });
    text += between + line;
    between = '';
  }
  return text;
}

export function readHeaders(text: string | null, id: string): BothHeaders {
  if (text === null) return { sent: [], received: {} };
  if (text.startsWith(JSON_MARK)) return JSON.parse(text);
  const sent: string[] = [];
  const received: Record<string, string> = {};
  let areSent = true;
  for (const line of text.split('\n').slice(0, -1)) {
    if (line === '') {
      areSent = false;
      continue;
    }
    const [name, value] = read(line, id);
    if (areSent) sent.push(name, value);
    else received[name] = value;
  }
  return { sent, received };
}

/** The same text with secret values masked, as versions before did not write it. */
export function maskedHeaders(text: string): string {
  // No id is so: the delivery's own stays unwritten.
  const { sent, received } = readHeaders(text, OWN_ID);
  const masked = sent.map((each, i) => (i % 2 === 1 && isSecretHeader(sent[i - 1]!) ? MASK : each));
  return writeHeaders(masked, received, OWN_ID);
}

function write(name: string, value: string): string | undefined {
  if (value.includes('\n')) return undefined;
  const letter = BY_NAME.get(name);
  if (letter !== undefined) return `${letter}${value}\n`;
  // Assigning to a key `__proto__` would not make a property.
  return name.includes(':') || name.includes('\n') || name === '__proto__'
    ? undefined
    : `${WRITTEN}${name}:${value}\n`;
}

function read(line: string, id: string): [name: string, value: string] {
  const first = line[0]!;
  if (first === OWN_ID) return ['webhook-id', id];
  if (first !== WRITTEN) return [NAMES.get(first) ?? first, line.slice(1)];
  const colon = line.indexOf(':');
  return [line.slice(1, colon), line.slice(colon + 1)];
}
