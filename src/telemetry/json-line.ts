import { pino } from 'pino';

/** What a line of the log says. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * A line of JSON: the level and the time, then the fields, then the message. Pino would put it together a field at a
 * time, which costs twice as much, and there are two lines to an event.
 */
export function jsonLine(level: string, fields: Fields, message: string): string {
  const head = `{"level":"${level}"${pino.stdTimeFunctions.isoTime()},`;
  return `${head}${textOf(fields, message).slice(1)}\n`;
}

function textOf(fields: Fields, msg: string): string {
  if (!('err' in fields)) return JSON.stringify({ ...fields, msg });
  try {
    return JSON.stringify({ ...fields, err: pino.stdSerializers.err(fields.err as Error), msg });
  } catch {
    // Somebody else's error can have anything in it: itself, say.
    return JSON.stringify({ ...fields, err: String(fields.err), msg });
  }
}
