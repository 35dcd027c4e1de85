/** What became of an attack, counted. */
export interface Tally {
  connections: number;
  /** Units of the attack that were written: frames, requests, streams. */
  sent: number;
  /** Heads of answers over HTTP/2, of whatever status, where nobody decodes them. */
  answered: number;
  /** By HTTP status, or by the word for a code of gRPC. */
  readonly statuses: Map<string, number>;
  /** Streams that were reset, by the code. */
  readonly resets: Map<string, number>;
  /** Connections that were ended with GOAWAY, by the code. */
  readonly goaways: Map<string, number>;
  /** Connections that the server closed. */
  closed: number;
  /** How long after its connection was made the last stream or connection was ended by the server. */
  lastMs: number;
}

export function newTally(): Tally {
  return {
    connections: 0,
    sent: 0,
    answered: 0,
    statuses: new Map(),
    resets: new Map(),
    goaways: new Map(),
    closed: 0,
    lastMs: 0,
  };
}

export function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** How many streams and connections the server has ended. */
export function ended({ closed, answered, resets }: Tally): number {
  return [...resets.values()].reduce((sum, times) => sum + times, closed + answered);
}

const ERRORS = [
  ...['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT'],
  ...['STREAM_CLOSED', 'FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR'],
  ...['CONNECT_ERROR', 'ENHANCE_YOUR_CALM'],
];

/** The name of an error code of HTTP/2. */
export function errorName(code: number): string {
  return ERRORS[code] ?? `error ${code}`;
}

/** What takes longer waited for a limit on time. */
const SLOW_MS = 8_000;

/** What became of it in words. */
export function words(tally: Tally): string {
  const { connections, closed, lastMs } = tally;
  const said: string[] = [];
  let told = 0;
  for (const [code, times] of tally.goaways) {
    told += times;
    said.push(`${many(times, 'connection')} ended with ${code}`);
  }
  if (closed > told) said.push(`${many(closed - told, 'connection')} closed`);
  if (connections > closed) said.push(`${many(connections - closed, 'connection')} still open`);
  for (const [code, times] of tally.resets) said.push(`${many(times, 'stream')} reset with ${code}`);
  for (const [status, times] of tally.statuses) said.push(`${times.toLocaleString('en')} × ${status}`);
  if (tally.answered > 0) said.push(`${tally.answered.toLocaleString('en')} answered`);
  if (lastMs >= SLOW_MS) said.push(`the last after ${(lastMs / 1000).toFixed(0)} s`);
  return said.join('; ');
}

function many(times: number, noun: string): string {
  return `${times.toLocaleString('en')} ${noun}${times === 1 ? '' : 's'}`;
}
