import { type DestinationStream, type Logger, pino } from 'pino';

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

/** Bytes of log lines held back before they are written together. */
const BUFFER_BYTES = 4096;
/** The longest that a line is held back. */
const FLUSH_MS = 100;

/** A log and how to write what it holds back; `flush` is for the end of the process. */
export async function openLog(options: LogOptions): Promise<{ log: Log; flush: () => void }> {
  if (options.format === 'pretty') {
    // Loaded only here: a server that logs JSON does not pay for it.
    const { default: pretty } = await import('pino-pretty');
    const stream = pretty({
      sync: true,
      ignore: 'pid,hostname',
      singleLine: true,
      translateTime: 'SYS:HH:MM:ss.l',
    });
    return { log: build(options, stream), flush: () => {} };
  }
  const stream = pino.destination({ dest: 1, sync: false, minLength: BUFFER_BYTES, periodicFlush: FLUSH_MS });
  return { log: build(options, stream), flush: () => stream.flushSync() };
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
