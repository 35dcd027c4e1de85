import type { World } from '../../world.ts';
import { UsageError } from '../command.ts';
import { plain } from '../terminal-text.ts';

/** The largest file that is read; the server takes 1 MiB of data, and says so better. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** What `--data` and its like mean: `@file`, `-` for standard input, or the text itself. */
export async function readContent(
  flag: string,
  text: string,
  world: Pick<World, 'readBytes'>,
): Promise<Uint8Array> {
  if (text === '-' || text === '@-') return readBytes(flag, '-', world);
  return text.startsWith('@') ? readBytes(flag, text.slice(1), world) : new TextEncoder().encode(text);
}

/** The same when it has to be text. */
export async function readText(flag: string, text: string, world: Pick<World, 'readBytes'>): Promise<string> {
  const read = utf8(await readContent(flag, text, world));
  if (read === undefined) throw new UsageError(`${flag}: it is not text in UTF-8`);
  return read;
}

/** A file of JSON, or standard input. */
export async function readJson(
  flag: string,
  path: string,
  world: Pick<World, 'readBytes'>,
): Promise<unknown> {
  const text = utf8(await readBytes(flag, path.replace(/^@/, ''), world));
  if (text === undefined) throw new UsageError(`${flag}: it is not text in UTF-8`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${flag}: it is not JSON: ${(error as Error).message}`);
  }
}

async function readBytes(flag: string, path: string, world: Pick<World, 'readBytes'>): Promise<Uint8Array> {
  try {
    return await world.readBytes(path, FILE_BYTES_MAX);
  } catch (error) {
    const what = path === '-' ? 'standard input' : JSON.stringify(path);
    throw new UsageError(`${flag}: ${what} cannot be read: ${(error as Error).message}`);
  }
}

/**
 * Undefined for what is not UTF-8. A byte order mark is kept, as all of it is, but for a part of a character at the
 * end of what may be cut there.
 */
export function utf8(bytes: Uint8Array, { mayBeCut = false } = {}): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: mayBeCut });
  } catch {
    return undefined;
  }
}

/** Data of an event, as its message has it. */
export type EventData =
  | { readonly case: 'text'; readonly value: string }
  | { readonly case: 'bytes'; readonly value: Uint8Array };

/**
 * Data that arrives byte for byte, and its media type. Without one it is JSON if it can be read so, or text, or
 * bytes; what begins like JSON and is not is refused unless `isText` says that it is meant so. JSON is sent as
 * text: as a google.protobuf.Value its numbers would lose digits.
 */
export function eventData(
  bytes: Uint8Array,
  contentType: string | undefined,
  isText = false,
): { data: EventData; contentType: string } {
  const text = utf8(bytes);
  if (text === undefined) {
    return { data: { case: 'bytes', value: bytes }, contentType: contentType ?? 'application/octet-stream' };
  }
  return { data: { case: 'text', value: text }, contentType: contentType ?? guessed(text, isText) };
}

function guessed(text: string, isText: boolean): string {
  if (!isText) {
    try {
      JSON.parse(text);
      return 'application/json';
    } catch (error) {
      if (/^\s*[[{"]/.test(text)) {
        const why = plain((error as Error).message);
        throw new UsageError(
          `--data: it begins like JSON and is not: ${why}; give --text if it is text, or --content-type`,
        );
      }
    }
  }
  return 'text/plain; charset=utf-8';
}
