import { styleText } from 'node:util';
import type { Fields } from './json-line.ts';

interface Line {
  readonly durationMs: number | undefined;
  /** Whose line it is: a webhook's name, or the protocol of a call. */
  readonly who: string;
  readonly text: string;
  readonly tone: 'good' | 'bad' | 'grave' | 'plain';
}

/** The type of the events that are runs of schedules, which goes without saying. */
const RUN_EVENT_TYPE = 'carillon.run';

const WHO_WIDTH = 12;
const DURATION_WIDTH = 7;

/** Names for what a person cannot do without, in the order in which they are shown; the rest is for machines. */
const SHOWN = ['webhookId', 'deliveryId', 'eventId', 'reason', 'inbox', 'signal', 'url', 'grpc', 'errorId'];

/**
 * What a person at a terminal sees of a line of JSON: when it was, whose it is, how long it took, and
 * what happened, in columns of one line, in a colour for how it went; below it the stack of an error. Everything else that the line
 * knows is in the JSON format.
 */
export function lineFor(json: string, { colors }: { readonly colors: boolean }): string {
  const fields = JSON.parse(json) as Fields;
  const line = lineOf(fields, String(fields.msg ?? ''));
  const text = printable(line.text);
  const columns = [
    timeText(String(fields.time)),
    fitted(line.who, WHO_WIDTH),
    (line.durationMs === undefined ? '' : durationText(line.durationMs)).padStart(DURATION_WIDTH),
    colors && line.tone !== 'plain' ? styleText(STYLES[line.tone], text, { validateStream: false }) : text,
  ];
  return `${columns.join('  ')}\n${stackOf(fields)}`;
}

const STYLES = { good: 'green', bad: 'yellow', grave: 'red' } as const;

function lineOf(fields: Fields, message: string): Line {
  const durationMs = typeof fields.durationMs === 'number' ? fields.durationMs : undefined;
  if (typeof fields.attempt === 'number' && typeof fields.webhookName === 'string') {
    return { ...attemptLine(fields, message), who: fields.webhookName, durationMs };
  }
  if (typeof fields.rpc === 'string' && typeof fields.code === 'string') {
    const { code, protocol } = fields;
    const tone = code === 'ok' ? 'good' : code === 'internal' ? 'grave' : 'bad';
    const text = [`${fields.rpc.replace(/^carillon\.v1\./, '')} ${code}`, ...shown(fields)].join('  ');
    return { who: String(protocol ?? ''), text, tone, durationMs };
  }
  const level = String(fields.level ?? '');
  const tone = level === 'error' ? 'grave' : level === 'warn' ? 'bad' : 'plain';
  return {
    who: level === 'info' ? '' : level,
    text: [message, ...shown(fields)].join('  '),
    tone,
    durationMs,
  };
}

function attemptLine(fields: Fields, message: string): Pick<Line, 'text' | 'tone'> {
  const { state, reason, retryAt, eventType, attempt } = fields;
  const notes = [
    ...(typeof eventType === 'string' && eventType !== RUN_EVENT_TYPE ? [eventType] : []),
    ...(attempt !== 1 ? [`attempt ${String(attempt)}`] : []),
    ...(typeof retryAt === 'string' ? [`again at ${clockText(retryAt)}`] : []),
    ...(state === 'FAILED' || state === 'CANCELLED' ? [`${state} ${String(reason ?? '')}`.trim()] : []),
  ];
  return {
    text: [message, ...notes].join('  '),
    tone: state === 'SUCCEEDED' ? 'good' : state === 'PENDING' ? 'bad' : 'grave',
  };
}

function shown(fields: Fields): string[] {
  return SHOWN.flatMap((name) => {
    const value = fields[name];
    return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
  });
}

/** 3 ms, 1.25 s: whole milliseconds below a second. */
function durationText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** The time of day, in the zone of whoever reads. */
function clockText(rfc3339: string): string {
  return new Date(rfc3339).toTimeString().slice(0, 8);
}

function timeText(rfc3339: string): string {
  return `${clockText(rfc3339)}.${rfc3339.slice(20, 23)}`;
}

function stackOf({ err, stack }: Fields): string {
  const given = typeof err === 'object' && err !== null && 'stack' in err ? err.stack : stack;
  if (typeof given !== 'string') return '';
  return given
    .split('\n')
    .map((each) => `    ${printable(each)}\n`)
    .join('');
}

function fitted(text: string, width: number): string {
  const characters = [...printable(text)];
  return characters.length <= width
    ? characters.join('').padEnd(width)
    : `${characters.slice(0, width - 1).join('')}…`;
}

/** Without what would move the cursor or begin a line: names and destinations are other people's texts. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '�');
}
