import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { LINE_BYTES_MAX, unusable } from './format.ts';

const NEWLINE = 0x0a;
const GZIP_MAGIC = 0x1f8b;

/**
 * The lines of an export, without what ends them; `onBytes` is told how much of the file was read. Raises
 * FAILED_PRECONDITION for a file that is no export, is cut short, or was damaged so that it cannot be read.
 */
export async function* readLines(file: string, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  const raw = createReadStream(file);
  const gunzip = createGunzip();
  let bytes = 0;
  raw.on('data', (chunk) => {
    if (bytes === 0 && Buffer.from(chunk).readUInt16BE(0) !== GZIP_MAGIC) {
      raw.destroy();
      gunzip.destroy(unusable(file, 'is no export of Carillon'));
    }
    bytes += chunk.length;
    onBytes(bytes);
  });
  raw.on('error', (error) => gunzip.destroy(error));
  raw.pipe(gunzip);
  let rest: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
        yield Buffer.concat([...rest, chunk.subarray(from, end)]);
        rest = [];
        length = 0;
        from = end + 1;
      }
      rest.push(chunk.subarray(from));
      length += chunk.length - from;
      if (length > LINE_BYTES_MAX) throw unusable(file, 'is damaged: it has a line that is too long');
    }
  } catch (error) {
    throw refusalOf(file, error);
  } finally {
    raw.destroy();
  }
  if (length > 0) throw unusable(file, `is cut short, within a line; ${AGAIN}`);
}

export const AGAIN = 'copy it once more, or export once more';

function refusalOf(file: string, error: unknown): unknown {
  if (!(error instanceof Error) || 'reason' in error) return error;
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return unusable(file, 'does not exist');
  if (code === 'Z_BUF_ERROR') return unusable(file, `is cut short; ${AGAIN}`);
  if (typeof code === 'string' && code.startsWith('Z_'))
    return unusable(file, `is damaged (${error.message}); ${AGAIN}`);
  return unusable(file, `cannot be read: ${error.message}`);
}
