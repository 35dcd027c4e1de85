import type { Log } from '../../src/telemetry/log.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that keeps its lines, for tests that read them and for those that want silence. */
export function recordingLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine['level']) => (fields: LogLine['fields'], message: string) => {
    lines.push({ level, fields, message });
  };
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}

/** A log that keeps its lines, and lets tests wait for one. */
export interface WatchedLog {
  readonly log: Log;
  readonly lines: readonly LogLine[];
  /** Waits for a line of the log: it is written when a call has ended, which its caller may know sooner. */
  line(matches: (line: LogLine) => boolean): Promise<LogLine>;
}

export function watchedLog(): WatchedLog {
  const { log: kept, lines } = recordingLog();
  let written = Promise.withResolvers<void>();
  const at = (level: LogLine['level']) => (fields: LogLine['fields'], message: string) => {
    kept[level](fields, message);
    written.resolve();
    written = Promise.withResolvers<void>();
  };
  const log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
  const line = async (matches: (line: LogLine) => boolean): Promise<LogLine> => {
    for (;;) {
      const found = lines.find(matches);
      if (found) return found;
      await written.promise;
    }
  };
  return { log, lines, line };
}
