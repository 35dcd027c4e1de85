import type { Transform } from 'node:stream';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';

/**
 * The beginning of a body, decoded, at most `bytesMax` of it. We ask for bodies as they are
 * (`accept-encoding: identity`), but some receivers compress all the same, and nobody can read that in a
 * log. Undefined when the coding is unknown, or the body is not what it says; then it is shown as it came.
 *
 * A body may be the beginning of a longer one, and a small one may become a very big one: it is decoded in
 * small pieces, away from the event loop, and no further than is kept.
 */
export function decodeBody(
  body: Uint8Array,
  coding: string | undefined,
  bytesMax: number,
): Promise<Decoded | undefined> | undefined {
  const name = coding?.trim().toLowerCase();
  if (name === undefined || body.length === 0) return undefined;
  const decoder = decoderOf(name, body);
  return decoder && read(decoder, body, bytesMax);
}

export interface Decoded {
  readonly body: Uint8Array;
  /** Whether there was more. */
  readonly truncated: boolean;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const CHUNK_BYTES = 16 * 1024;

/** RFC 9110, 8.4.1, with Brotli and Zstandard. One coding only: several are a way to make a small body huge. */
function decoderOf(coding: string, body: Uint8Array): Transform | undefined {
  const options = { chunkSize: CHUNK_BYTES };
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip(options);
    case 'deflate':
      // Some send it without the zlib format around it.
      return (body[0]! & 0x0f) === 8 ? createInflate(options) : createInflateRaw(options);
    case 'br':
      return createBrotliDecompress(options);
    case 'zstd':
      return createZstdDecompress(options);
    default:
      return undefined;
  }
}

function read(decoder: Transform, body: Uint8Array, bytesMax: number): Promise<Decoded | undefined> {
  return new Promise((resolve) => {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    const finish = (truncated: boolean) => {
      const whole = new Uint8Array(Buffer.concat(parts).subarray(0, bytesMax));
      resolve(bytes === 0 ? undefined : { body: whole, truncated });
    };
    decoder.on('data', (part: Uint8Array) => {
      parts.push(part);
      bytes += part.length;
      if (bytes <= bytesMax) return;
      finish(true);
      decoder.destroy();
    });
    decoder.on('end', () => finish(false));
    // What came before the fault is worth showing.
    decoder.on('error', () => finish(true));
    decoder.end(body);
  });
}
