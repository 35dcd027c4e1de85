import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { Clock } from '../../domain/clock.ts';
import type { Call } from '../transport/call.ts';
import { type Incoming, UNCOUNTED_BYTES } from '../transport/inflow.ts';
import { decompressedMax } from '../transport/room.ts';
import type { Arrival } from './arrival.ts';

/** Waits until there is room for a message that is whole, unless it has it. */
export async function roomFor(incoming: Incoming, bytes: number): Promise<void> {
  await incoming.room(bytes);
  incoming.whole(bytes);
}

/** A call whose messages need room. */
interface Roomy {
  readonly call: Call;
  fail(reason: unknown): void;
}

/**
 * The room of the messages of a call that arrive, from when it is known how long one is until it is handed on. While
 * there is none, nothing more is read. It is a class because there is one for each call.
 */
export class Rooms {
  readonly #roomy: Roomy;
  readonly #arrival: Pick<Arrival, 'spec' | 'stream'>;
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** By the place of the message, since one can begin before the last was handed on. */
  #open: Map<number, Incoming> | undefined;
  #waits = false;
  #ended = false;
  /** When the last wait for room was over. */
  #since = Number.NEGATIVE_INFINITY;

  constructor(roomy: Roomy, arrival: Pick<Arrival, 'spec' | 'stream'>, clock: Pick<Clock, 'monotonic'>) {
    this.#roomy = roomy;
    this.#arrival = arrival;
    this.#clock = clock;
  }

  /**
   * Since when a message arrives that began at a time: the time that it waited for room is not its caller's.
   * Undefined while it waits.
   */
  since(begunAt: number): number | undefined {
    return this.#waits ? undefined : Math.max(begunAt, this.#since);
  }

  /** Makes room for a message of so many bytes, of which so many have come. */
  make(index: number, bytes: number, arrived: number): void {
    const incoming = this.of(index);
    incoming?.arrived(arrived);
    const waits = incoming?.room(bytes);
    if (waits === undefined) return;
    const { stream } = this.#arrival;
    // grpc-js stops it as well, and goes on when the next message is asked for.
    const isOurs = !stream.isPaused();
    stream.pause();
    if (this.#waits) return;
    this.#waits = true;
    waits.then(
      () => {
        this.#waits = false;
        this.#since = this.#clock.monotonic();
        if (isOurs) stream.resume();
      },
      (reason: unknown) => this.#roomy.fail(reason),
    );
  }

  /** The room of the message at a place; undefined where nothing is bounded. */
  of(index: number): Incoming | undefined {
    const known = this.#open?.get(index);
    if (known !== undefined || this.#ended) return known;
    const { call } = this.#roomy;
    const { methodKind } = this.#arrival.spec.method;
    const incoming = call.inflow?.open({
      connection: call.connection,
      late: (reason) => this.#roomy.fail(reason),
      patient: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    });
    if (incoming === undefined) return undefined;
    this.#open ??= new Map();
    this.#open.set(index, incoming);
    return incoming;
  }

  /** The room of a message that is whole, for whoever it is handed to; undefined for a small one. */
  take(index: number, bytes: number): Incoming | undefined {
    if (this.#open === undefined && bytes <= UNCOUNTED_BYTES) return undefined;
    const incoming = bytes > UNCOUNTED_BYTES ? this.of(index) : this.#open?.get(index);
    this.#open?.delete(index);
    return incoming;
  }

  /** Waits for room for all that a message can become. Returns whether the call goes on. */
  async decompressed(index: number, most: number): Promise<boolean> {
    try {
      await this.of(index)?.room(most);
      return true;
    } catch (reason) {
      this.#roomy.fail(reason);
      return false;
    }
  }

  /** What was not handed on will not be, and what still comes is dropped. */
  end(): void {
    this.#ended = true;
    for (const incoming of this.#open?.values() ?? []) incoming.end();
    this.#open = undefined;
  }
}

type Decompress = (message: Buffer, encoding: string) => Buffer | Promise<Buffer>;

/**
 * Lets no message be decompressed before there is room for all that it may become. That grpc-js has a method for it
 * is no part of its interface.
 */
export function boundDecompression(
  base: ServerInterceptingCallInterface,
  rooms: Rooms,
  bytesMax: number,
): void {
  const inner = base as unknown as { decompressMessage: Decompress };
  const { decompressMessage } = inner;
  if (typeof decompressMessage !== 'function') {
    throw new Error('this version of @grpc/grpc-js is not the one that Carillon was made for');
  }
  let index = 0;
  inner.decompressMessage = async (message, encoding) => {
    const at = index++;
    const most = decompressedMax(encoding, message.length, bytesMax);
    // What comes of one whose call has ended is never asked for.
    if (encoding !== 'identity' && !(await rooms.decompressed(at, most))) return new Promise(() => {});
    return decompressMessage.call(base, message, encoding);
  };
}
