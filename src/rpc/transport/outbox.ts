import type { Clock } from '../../domain/clock.ts';
import { OUTBOX_LIMITS, type OutboxLimits } from '../outbox-limits.ts';
import { wentAway } from './failures.ts';

/** The answer to one call, from before it is made until it is taken. */
export interface Outgoing {
  /** Waits until there is room for about so many bytes, and keeps it. Undefined when there is nothing to wait for. */
  room(bytes: number): Promise<void> | undefined;
  /** So many bytes were written, beside those before. What was kept is given back. */
  wrote(bytes: number): void;
  /** It was taken, or nobody will. */
  end(): void;
}

export interface Outbox {
  /** `cutOff` ends the call of a caller who does not read. */
  open(connection: object, cutOff: () => void): Outgoing;
  /** Bytes that are kept or unread, of all. */
  readonly bytes: number;
}

/**
 * Answers wait in memory for as long as their callers do not read: HTTP/2 lets a caller ask for a thousand and take
 * none. So a call is not begun before there is room for its answer, and a caller who takes none in time is cut off.
 */
export function createOutbox(clock: Pick<Clock, 'monotonic'>, given: Partial<OutboxLimits> = {}): Outbox {
  const limits = { ...OUTBOX_LIMITS, ...given };
  const holders = new WeakMap<object, Holder>();
  /** Answers that were written and not taken, oldest first. */
  const unread = new Set<Answer>();
  const waiting = new Set<Answer>();
  let bytes = 0;
  let check: NodeJS.Timeout | undefined;

  interface Holder {
    bytes: number;
  }

  /** It is a class because there is one for each call. */
  class Answer implements Outgoing {
    readonly holder: Holder;
    readonly cutOff: () => void;
    held = 0;
    written = 0;
    writtenAt = 0;
    #wanted = 0;
    #ended = false;
    #waits: PromiseWithResolvers<void> | undefined;

    constructor(holder: Holder, cutOff: () => void) {
      this.holder = holder;
      this.cutOff = cutOff;
    }

    room(wanted: number): Promise<void> | undefined {
      if (this.#ended) return Promise.reject(wentAway());
      this.#wanted = wanted;
      if (this.fits()) {
        this.#hold(wanted);
        return undefined;
      }
      this.#waits = Promise.withResolvers();
      waiting.add(this);
      watch();
      return this.#waits.promise;
    }

    /** One is always let through: what is larger than the bounds has to go sometime. */
    fits(): boolean {
      const { holder } = this;
      const own = holder.bytes === 0 || holder.bytes + this.#wanted <= limits.connectionBytesMax;
      return own && (bytes === 0 || bytes + this.#wanted <= limits.bytesMax);
    }

    /** Whether only others keep it from going. */
    get isPressed(): boolean {
      return this.holder.bytes + this.#wanted <= limits.connectionBytesMax;
    }

    letGo(): void {
      waiting.delete(this);
      this.#hold(this.#wanted);
      this.#waits?.resolve();
    }

    wrote(more: number): void {
      if (this.#ended) return;
      this.written += more;
      this.writtenAt = clock.monotonic();
      this.#hold(this.written);
      unread.add(this);
      watch();
    }

    end(): void {
      if (this.#ended) return;
      this.#ended = true;
      unread.delete(this);
      this.#hold(0);
      if (waiting.delete(this)) this.#waits?.reject(wentAway());
      letIn();
    }

    #hold(count: number): void {
      bytes += count - this.held;
      this.holder.bytes += count - this.held;
      this.held = count;
    }
  }

  /** Lets in whoever fits, in the order in which they came; one whose connection is full keeps back no other. */
  function letIn(): void {
    for (const each of waiting) if (each.fits()) each.letGo();
  }

  function watch(): void {
    if (check !== undefined) return;
    check = setInterval(look, limits.checkMs);
    check.unref();
  }

  function look(): void {
    const now = clock.monotonic();
    for (const each of unread) {
      const takeMs = limits.takeMs + (each.written * 1000) / limits.bytesPerSecondMin;
      if (now - each.writtenAt > takeMs) giveUp(each);
    }
    if ([...waiting].some((each) => each.isPressed)) cutOffLargest(now);
    if (unread.size === 0 && waiting.size === 0) {
      clearInterval(check);
      check = undefined;
    }
  }

  /** Makes room for others: who holds most of it and does not read has had a share. */
  function cutOffLargest(now: number): void {
    let largest: Holder | undefined;
    for (const { holder, writtenAt } of unread) {
      if (now - writtenAt < limits.pressedMs) continue;
      if (largest === undefined || holder.bytes > largest.bytes) largest = holder;
    }
    // Those that wait as well, or they would take the room that becomes free.
    for (const each of [...waiting, ...unread]) {
      if (each.holder === largest) giveUp(each);
    }
  }

  /** Ended here as well: of an answer that was queued behind others on its connection, Node 24 reports no end. */
  function giveUp(answer: Answer): void {
    answer.end();
    answer.cutOff();
  }

  return {
    open(connection, cutOff) {
      const holder = holders.get(connection) ?? { bytes: 0 };
      holders.set(connection, holder);
      return new Answer(holder, cutOff);
    },
    get bytes() {
      return bytes;
    },
  };
}
