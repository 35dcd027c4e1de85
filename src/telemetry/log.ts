import { pino } from 'pino';
import { type Fields, jsonLine } from './json-line.ts';
import { lineFor } from './line.ts';

/**
 * Wide structured lines: one for each attempt and each RPC, with everything about it, rather than
 * many narrow ones. Never a secret, a payload, or a destination's user info.
 */
export type Log = Readonly<Record<Level, (fields: Fields, message: string) => void>>;

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

export interface LogOptions {
  /** `json` for machines; `pretty` for a person at a terminal. */
  readonly format: 'json' | 'pretty';
  readonly level: Level | 'silent';
}

/**
 * Bytes of log lines held back before they are written together: handing a write to its thread costs
 * the caller as much as ten lines. Pino writes at most 16 KiB at once, and wants this to be less.
 */
const BUFFER_BYTES = 15 * 1024;
/** The longest that a line is held back. */
const FLUSH_MS = 100;

/** The most that waits for a reader that does not read; lines beyond are dropped. */
const WAITING_BYTES = 1024 * 1024;
/** How long closing may take when the reader does not read. */
const CLOSE_MS = 500;

export interface OpenLog {
  readonly log: Log;
  /** Writes what is held back. For the end of the process: later lines are lost. Never rejects. */
  close(): Promise<void>;
}

/** Opens the log, which is written to stdout. It goes nowhere once nobody reads it any more. */
export function openLog(options: LogOptions): OpenLog {
  if (options.format === 'pretty') {
    const stdout = pino.destination({ dest: 1, sync: true });
    stdout.on('error', () => {});
    const colors = process.stdout.hasColors?.() ?? false;
    const log = build(options, (json) => void stdout.write(lineFor(json, { colors })));
    return { log, close: async () => {} };
  }
  const stream = pino.destination({
    dest: 1,
    sync: false,
    minLength: BUFFER_BYTES,
    maxLength: WAITING_BYTES,
    periodicFlush: FLUSH_MS,
    // Of text it would count the bytes of all that is held back anew with each line.
    contentMode: 'buffer',
  });
  // Pino sees to a reader that went away. A disk that is full ends the log until there is room, not us.
  stream.on('error', () => {});
  // The types know text only. Pino puts another `write` in its place when the reader has gone.
  const write = (json: string) => void stream.write(Buffer.from(json) as unknown as string);
  return { log: build(options, write), close: () => closed(stream) };
}

/**
 * Not with `flushSync`, not even when the process ends (which `destroy` undoes): it tries for ever when
 * the reader is gone or does not read (sonic-boom 4.2.1).
 */
function closed(stream: ReturnType<typeof pino.destination>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, CLOSE_MS);
    stream.flush(done);
    function done(): void {
      clearTimeout(timer);
      stream.destroy();
      resolve();
    }
  });
}

function build({ level: least }: LogOptions, write: (json: string) => void): Log {
  const from = least === 'silent' ? LEVELS.length : LEVELS.indexOf(least);
  const at = (level: Level) =>
    LEVELS.indexOf(level) < from
      ? () => {}
      : (fields: Fields, message: string) => write(jsonLine(level, fields, message));
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
