import type { Call } from './call.ts';
import { type Incoming, UNCOUNTED_BYTES } from './inflow.ts';

/** What of a call says how much its message may take in memory. */
export type Taking = Pick<Call, 'connection' | 'inflow' | 'incoming'>;

/** The room of the one message of a call, made when it is first asked for. `late` is called when it comes too slowly. */
export function incomingOf(call: Taking | undefined, late?: (reason: Error) => void): Incoming | undefined {
  if (call?.inflow === undefined) return undefined;
  const { connection } = call;
  call.incoming ??= call.inflow.open({ connection, ...(late && { late }) });
  return call.incoming;
}

/** The room of the messages of a stream, one after the other. A stream waits for it as long as it takes. */
export interface StreamRoom {
  /** Waits for room for a message of so many bytes, of which so many have come. */
  make(bytes: number, arrived: number): Promise<void> | undefined;
  /** Of the message that is in work. */
  readonly incoming: Incoming | undefined;
  /** It is not in memory any more, or counted by somebody else. */
  done(): void;
}

export function createStreamRoom({ inflow, connection }: Taking, late?: (reason: Error) => void): StreamRoom {
  let incoming: Incoming | undefined;
  const open = () => {
    incoming ??= inflow?.open({ connection, patient: true, ...(late && { late }) });
    return incoming;
  };
  return {
    make(bytes, arrived) {
      if (bytes <= UNCOUNTED_BYTES) return undefined;
      open()?.arrived(arrived);
      return incoming?.room(bytes);
    },
    get incoming() {
      return open();
    },
    done() {
      incoming?.end();
      incoming = undefined;
    },
  };
}

/** How much more may come of a byte that is compressed; brotli knows no bound. */
const RATIO_MAX: Readonly<Record<string, number>> = { gzip: 1_032, deflate: 1_032 };

/** The most that a compressed message can take, as it is and decompressed. */
export function decompressedMax(encoding: string, bytes: number, bytesMax: number): number {
  return bytes + Math.min(bytesMax, bytes * (RATIO_MAX[encoding] ?? Number.POSITIVE_INFINITY));
}
