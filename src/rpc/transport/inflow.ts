import { DomainError } from '../../domain/error.ts';
import { INFLOW_LIMITS, type InflowLimits } from '../inflow-limits.ts';
import { wentAway } from './failures.ts';

/** A message that a caller sends, from its first bytes until what it asks for is done. */
export interface Incoming {
  /**
   * Waits until there is room for so many bytes of it, in all, and keeps it. Undefined when there is nothing to wait
   * for. Rejects with EXHAUSTED when there is none in time.
   */
  room(bytes: number): Promise<void> | undefined;
  /** So many bytes have arrived, in all. */
  arrived(bytes: number): void;
  /** All of it has arrived, and so many bytes are in memory, whether or not there was room. */
  whole(bytes: number): void;
  /** Nothing of it is in memory any more. */
  end(): void;
}

export interface IncomingOptions {
  /** What it comes by: what one connection may take of the room is bounded. */
  readonly connection: object;
  /** Ends the reading of one that comes too slowly while others wait. */
  readonly late?: (reason: DomainError) => void;
  /** It waits for as long as it takes: it is one of a stream, whose caller sends no more meanwhile. */
  readonly patient?: boolean;
}

/**
 * Bounds the bytes of requests in work, of all callers together. A message is let in before it is read, so that what
 * waits for room waits in the network and not here.
 */
export interface Inflow {
  open(options: IncomingOptions): Incoming;
  /** Bytes that are kept, of all. */
  readonly bytes: number;
  readonly bytesMax: number;
}

/** A shorter message is let in uncounted: what else is kept of a call takes as much. */
export const UNCOUNTED_BYTES = 4 * 1024;

/** Kept free for small messages, whatever else there is. */
const SMALL_SHARE = 1 / 8;

export function createInflow(given: Partial<InflowLimits> = {}): Inflow {
  const limits = { ...INFLOW_LIMITS, ...given };
  const { bytesMax, smallBytes } = limits;
  const strikesMax = limits.slowMs / limits.checkMs;
  const looksMax = limits.waitMs / limits.checkMs;
  const stepMin = (limits.bytesPerSecondMin * limits.checkMs) / 1_000;
  const holders = new WeakMap<object, Holder>();
  const waiting = new Set<Message>();
  /** Those that were let in, and are not whole. */
  const arriving = new Set<Message>();
  let bytes = 0;
  /** Of these, what is kept for those that wait. */
  let waitingBytes = 0;
  /** Somebody waits whom only others keep from going. */
  let pressed = false;
  let check: NodeJS.Timeout | undefined;

  interface Holder {
    bytes: number;
  }

  class Message implements Incoming {
    readonly #holder: Holder;
    readonly #options: IncomingOptions;
    #held = 0;
    #wanted = 0;
    #arrived = 0;
    #seen = 0;
    #strikes = 0;
    #looks = 0;
    #isReading = false;
    #ended = false;
    #waits: PromiseWithResolvers<void> | undefined;

    constructor(holder: Holder, options: IncomingOptions) {
      this.#holder = holder;
      this.#options = options;
    }

    room(wanted: number): Promise<void> | undefined {
      if (this.#ended) return Promise.reject(wentAway());
      if (this.#waits !== undefined) return this.#waits.promise;
      this.#wanted = wanted;
      if (this.fits() && (wanted <= this.#held || this.isSmall || !pressed)) {
        this.#letIn();
        return undefined;
      }
      const waits = Promise.withResolvers<void>();
      this.#waits = waits;
      this.#looks = 0;
      waiting.add(this);
      arriving.delete(this);
      waitingBytes += this.#held;
      pressed ||= this.hasShare();
      check ??= setInterval(look, limits.checkMs).unref();
      // Whoever has room waits for more by now, and so nobody would ever be done.
      if (bytes === waitingBytes) letIn();
      return waits.promise;
    }

    get isSmall(): boolean {
      return this.#wanted <= smallBytes;
    }

    /** A connection may take as much as it leaves free, and one message at any time. */
    hasShare(): boolean {
      const others = this.#holder.bytes - this.#held;
      return others === 0 || others + this.#wanted <= bytesMax - bytes;
    }

    fits(): boolean {
      if (this.#wanted <= this.#held) return true;
      // Or those who have a part of their room would wait for each other; and some want more than there is.
      const idle = bytes - waitingBytes === (this.#waits === undefined ? this.#held : 0);
      const max = this.isSmall ? bytesMax : bytesMax * (1 - SMALL_SHARE);
      return idle || (this.hasShare() && bytes + this.#wanted - this.#held <= max);
    }

    letGo(): void {
      this.#stopWaiting()?.resolve();
      this.#letIn();
    }

    arrived(count: number): void {
      if (this.#ended) return;
      this.#arrived = count;
      this.#isReading = true;
      if (this.#waits === undefined) arriving.add(this);
    }

    whole(count: number): void {
      if (this.#ended) return;
      this.#isReading = false;
      arriving.delete(this);
      if (this.#waits !== undefined) this.#wanted = Math.max(count, this.#wanted - this.#held + count);
      this.#hold(count);
      letIn();
    }

    end(): void {
      if (this.#ended) return;
      this.#ended = true;
      arriving.delete(this);
      this.#stopWaiting()?.reject(wentAway());
      this.#hold(0);
      letIn();
    }

    /** It has waited for one look more. */
    looked(): void {
      if (++this.#looks < looksMax || this.#options.patient === true) return;
      this.#stopWaiting()?.reject(busy(bytesMax));
    }

    /** Whether too little of it came for too long. */
    isLate(): boolean {
      this.#strikes = this.#arrived - this.#seen < stepMin ? this.#strikes + 1 : 0;
      this.#seen = this.#arrived;
      return this.#strikes > strikesMax;
    }

    refuse(): void {
      arriving.delete(this);
      this.#options.late?.(busy(bytesMax, 'this request arrives too slowly while others wait for room'));
    }

    #letIn(): void {
      this.#hold(Math.max(this.#held, this.#wanted));
      this.#strikes = 0;
      if (this.#isReading) arriving.add(this);
    }

    #stopWaiting(): PromiseWithResolvers<void> | undefined {
      const waits = this.#waits;
      if (waits === undefined) return undefined;
      this.#waits = undefined;
      waiting.delete(this);
      waitingBytes -= this.#held;
      return waits;
    }

    #hold(count: number): void {
      bytes += count - this.#held;
      this.#holder.bytes += count - this.#held;
      if (this.#waits !== undefined) waitingBytes += count - this.#held;
      this.#held = count;
    }
  }

  /** Lets in whoever fits, in the order in which they came. Only one whose own connection is full is passed by. */
  function letIn(): void {
    pressed = false;
    for (const each of waiting) {
      if (bytes >= bytesMax && waitingBytes < bytes) {
        pressed = true;
        return;
      }
      if (each.fits() && !(pressed && !each.isSmall)) each.letGo();
      else pressed ||= each.hasShare();
    }
  }

  function look(): void {
    for (const each of waiting) each.looked();
    if (pressed) for (const each of arriving) if (each.isLate()) each.refuse();
    letIn();
    if (waiting.size > 0) return;
    clearInterval(check);
    check = undefined;
  }

  return {
    open(options) {
      const { connection } = options;
      const holder = holders.get(connection) ?? { bytes: 0 };
      holders.set(connection, holder);
      return new Message(holder, options);
    },
    get bytes() {
      return bytes;
    },
    bytesMax,
  };
}

function busy(maxBytes: number, why = `requests of ${maxBytes} bytes are in work already`): DomainError {
  return new DomainError('SERVER_BUSY', `the server is busy: ${why}; try again later`, {
    metadata: { maxBytes },
  });
}
