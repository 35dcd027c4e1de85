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
  /** Whether a message is too large. */
  readonly over: boolean;
}

export function createFraming(bytesMax = Number.POSITIVE_INFINITY): Framing {
  const head = new DataView(new ArrayBuffer(ENVELOPE_BYTES));
  let headBytes = 0;
  let missing = 0;
  return {
    follow(piece) {
      const ends: number[] = [];
      let at = 0;
      while (at < piece.length) {
        if (headBytes < ENVELOPE_BYTES) {
          head.setUint8(headBytes++, piece[at++]!);
          if (headBytes < ENVELOPE_BYTES) continue;
          missing = head.getUint32(1);
          if (missing > bytesMax) return ends;
        } else {
          const step = Math.min(missing, piece.length - at);
          at += step;
          missing -= step;
        }
        if (missing > 0) continue;
        ends.push(at);
        headBytes = 0;
      }
      return ends;
    },
    get begun() {
      return headBytes > 0;
    },
    get over() {
      return headBytes === ENVELOPE_BYTES && missing > bytesMax;
    },
  };
}
