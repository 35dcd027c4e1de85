import { type DestinationStream, type Logger, pino } from 'pino';
import { lineFor } from './line.ts';

/**
 * Wide structured lines: one for each attempt and each RPC, with everything about it, rather than
 * many narrow ones. Never a secret, a payload, or a destination's user info.
 */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export interface LogOptions {
  /** `json` for machines; `pretty` for a person at a terminal. */
  readonly format: 'json' | 'pretty';
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
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
    const stream = { write: (json: string) => void stdout.write(lineFor(json, { colors })) };
    return { log: build(options, stream), close: async () => {} };
  }
  const stream = pino.destination({
    dest: 1,
    sync: false,
    minLength: BUFFER_BYTES,
    maxLength: WAITING_BYTES,
    periodicFlush: FLUSH_MS,
  });
  // Pino sees to a reader that went away. A disk that is full ends the log until there is room, not us.
  stream.on('error', () => {});
  return { log: build(options, stream), close: () => closed(stream) };
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

function build(options: LogOptions, stream: DestinationStream): Log {
  const isoTime = pino.stdTimeFunctions.isoTime;
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
}
