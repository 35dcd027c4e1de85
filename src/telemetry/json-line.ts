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
  try {
    const error = 'err' in fields && { err: pino.stdSerializers.err(fields.err as Error) };
    return JSON.stringify({ ...fields, ...error, msg });
  } catch {
    // Somebody else's error can have anything in it: itself, say. A line is never lost for that, nor is what logs it.
    const told = Object.entries(fields).map(([name, value]) => [name, inJson(value)]);
    return JSON.stringify({ ...Object.fromEntries(told), msg });
  }
}

/** A value that JSON can hold: itself, or what it is called. */
function inJson(value: unknown): unknown {
  try {
    JSON.stringify(value);
    if (!(value instanceof Error)) return value;
  } catch {}
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}
