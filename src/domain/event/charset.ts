import { contentKind, parameterOf } from './media-type.ts';

/**
 * How text becomes bytes and back, by the charset that its media type names. UTF-8 without one. JSON is
 * UTF-8 whatever is said of it (RFC 8259, 8.1), so for JSON nothing else may be said.
 */
type Charset = 'utf-8' | 'us-ascii' | 'iso-8859-1' | 'utf-16le' | 'utf-16be';

/** Names in lower case, as IANA has them, with the short ones in common use. */
const CHARSETS: ReadonlyMap<string, Charset> = new Map([
  ['utf-8', 'utf-8'],
  ['utf8', 'utf-8'],
  ['us-ascii', 'us-ascii'],
  ['ascii', 'us-ascii'],
  ['iso-8859-1', 'iso-8859-1'],
  ['latin1', 'iso-8859-1'],
  ['utf-16le', 'utf-16le'],
  ['utf-16be', 'utf-16be'],
]);
const SUPPORTED = 'utf-8, us-ascii, iso-8859-1, utf-16le or utf-16be';

/** What is wrong with the charset that a media type names, or undefined. */
export function charsetFault(mediaType: string): string | undefined {
  const name = parameterOf(mediaType, 'charset');
  if (name === undefined) return undefined;
  const charset = CHARSETS.get(name.toLowerCase());
  if (charset === undefined)
    return `names the charset ${JSON.stringify(name)}, which is not known: use ${SUPPORTED}`;
  if (contentKind(mediaType) !== 'JSON' || charset === 'utf-8') return undefined;
  return `names the charset ${name}, but JSON is UTF-8 (RFC 8259): leave the charset out, or use another media type`;
}

/** The bytes of a text in the charset of its media type, or what is wrong with the text. An unknown charset counts as UTF-8. */
export function encodeText(
  text: string,
  mediaType: string,
): { readonly bytes: Uint8Array } | { readonly fault: string } {
  const charset = charsetOf(mediaType) ?? 'utf-8';
  switch (charset) {
    case 'utf-8':
      return { bytes: utf8Encoder.encode(text) };
    case 'us-ascii':
    case 'iso-8859-1': {
      const odd = (charset === 'us-ascii' ? /[^\0-\x7f]/u : /[^\0-\xff]/u).exec(text)?.[0];
      if (odd === undefined) return { bytes: new Uint8Array(Buffer.from(text, 'latin1')) };
      const point = odd.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      return { fault: `has the character ${odd} (U+${point}), which ${charset} has not: use charset=utf-8` };
    }
    case 'utf-16le':
      return { bytes: new Uint8Array(Buffer.from(text, 'utf16le')) };
    case 'utf-16be':
      return { bytes: new Uint8Array(Buffer.from(text, 'utf16le').swap16()) };
    default:
      return charset satisfies never;
  }
}

/**
 * The text that bytes are in the charset of their media type; undefined when they are none there, or the
 * charset is unknown. A byte order mark is a character: it belongs to none of these charsets (RFC 2781, 4.1).
 */
export function decodeText(bytes: Uint8Array, mediaType: string): string | undefined {
  const charset = charsetOf(mediaType);
  switch (charset) {
    case undefined:
      return undefined;
    // Not by a TextDecoder, which takes both names for windows-1252.
    case 'us-ascii':
      return bytes.some((byte) => byte > 0x7f) ? undefined : latin1(bytes);
    case 'iso-8859-1':
      return latin1(bytes);
    case 'utf-8':
    case 'utf-16le':
    case 'utf-16be':
      try {
        return DECODERS[charset].decode(bytes);
      } catch {
        return undefined;
      }
    default:
      return charset satisfies never;
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const utf8Encoder = new TextEncoder();
const STRICT = { fatal: true, ignoreBOM: true };
const DECODERS = {
  'utf-8': new TextDecoder('utf-8', STRICT),
  'utf-16le': new TextDecoder('utf-16le', STRICT),
  'utf-16be': new TextDecoder('utf-16be', STRICT),
};

/** Undefined for one that is not known. */
function charsetOf(mediaType: string): Charset | undefined {
  const name = parameterOf(mediaType, 'charset');
  return name === undefined || contentKind(mediaType) === 'JSON' ? 'utf-8' : CHARSETS.get(name.toLowerCase());
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
