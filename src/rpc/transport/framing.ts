/** Flags and length, before an enveloped message. */
export const ENVELOPE_BYTES = 5;

/**
 * Where messages end in bytes that come in pieces: each has a byte of flags and four of length before it
 * (gRPC over HTTP/2, "Length-Prefixed-Message"; a stream of the Connect protocol is the same).
 */
export interface Framing {
  /** Takes the next piece, and returns where in it messages end. Stops at the head of one that is too large. */
  follow(piece: Uint8Array): readonly number[];
  /** Whether the last piece ended within a message, or its head. */
  readonly begun: boolean;
  /** Messages that were whole. */
  readonly count: number;
  /** How long the message is that has begun, without its head; 0 while that is not known. */
  readonly size: number;
  /** How much of it has come. */
  readonly got: number;
  /** Whether a message is too large. */
  readonly over: boolean;
  /** The first message, counted from 0, whose flags are more than may be; undefined while there is none. */
  readonly strange: { readonly index: number; readonly flags: number } | undefined;
}

export interface FramingLimits {
  readonly bytesMax?: number;
  /** 1 where messages may be compressed, 0 where they may not. */
  readonly flagsMax?: number;
}

export function createFraming({
  bytesMax = Number.POSITIVE_INFINITY,
  flagsMax = 255,
}: FramingLimits = {}): Framing {
  const head = new DataView(new ArrayBuffer(ENVELOPE_BYTES));
  let headBytes = 0;
  let missing = 0;
  let size = 0;
  let whole = 0;
  let strange: Framing['strange'];
  return {
    follow(piece) {
      const ends: number[] = [];
      let at = 0;
      while (at < piece.length) {
        if (headBytes < ENVELOPE_BYTES) {
          head.setUint8(headBytes++, piece[at++]!);
          if (headBytes < ENVELOPE_BYTES) continue;
          size = missing = head.getUint32(1);
          const flags = head.getUint8(0);
          if (flags > flagsMax) strange ??= { index: whole, flags };
          if (missing > bytesMax) return ends;
        } else {
          const step = Math.min(missing, piece.length - at);
          at += step;
          missing -= step;
        }
        if (missing > 0) continue;
        ends.push(at);
        whole++;
        headBytes = 0;
      }
      return ends;
    },
    get begun() {
      return headBytes > 0;
    },
    get count() {
      return whole;
    },
    get size() {
      return headBytes === ENVELOPE_BYTES ? size : 0;
    },
    get got() {
      return size - missing;
    },
    get over() {
      return headBytes === ENVELOPE_BYTES && missing > bytesMax;
    },
    get strange() {
      return strange;
    },
  };
}
