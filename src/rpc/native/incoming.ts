import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { Admit } from '../transport/call.ts';
import { STREAM_MESSAGE } from '../transport/decode-stream.ts';
import { tooSlow } from '../transport/failures.ts';
import type { Incoming as Room } from '../transport/inflow.ts';
import { readBinary } from '../transport/message.ts';
import type { Receiving } from './reader.ts';
import { roomFor } from './rooms.ts';
import type { Exchange, ExchangeDeps } from './served-call.ts';

/**
 * The messages that a caller streams. One is read from the connection for each that is asked for, so
 * that a caller who is faster than the handler has to wait. Rejects when the call ends early, and when
 * something cannot be read: with INVALID, with RESOURCE_EXHAUSTED for a message that is too
 * large, with DEADLINE_EXCEEDED for one that has begun and does not arrive, and with what the guard has
 * against one.
 */
export function incoming(
  { receiving, clock }: ExchangeDeps,
  exchange: Exchange,
  type: DescMessage,
  admit: Admit,
): AsyncIterableIterator<Message> {
  const waiting: PromiseWithResolvers<IteratorResult<Message>>[] = [];
  /** When what has come of the next message began to come. */
  let begunAt: number | undefined;
  let over: { readonly reason?: unknown } | undefined;

  const leave = (): void => {
    room?.end();
    room = undefined;
  };
  const stop = (reason: unknown): void => {
    receiving.delete(arriving);
    over ??= { reason };
    for (const each of waiting.splice(0)) each.reject(reason);
  };
  const arriving: Receiving = {
    get since() {
      return waiting.length > 0 && begunAt !== undefined ? exchange.arrivingSince(begunAt) : undefined;
    },
    failSlow: () => stop(tooSlow(STREAM_MESSAGE)),
  };

  /** The room of the message that is handed on, until the next one is asked for. */
  let room: Room | undefined;

  async function hand(bytes: Uint8Array, to: PromiseWithResolvers<IteratorResult<Message>>): Promise<void> {
    try {
      if (room !== undefined) await roomFor(room, bytes.length);
      const value = await readBinary(type, bytes, STREAM_MESSAGE);
      const admitted = admit(value);
      if (admitted !== undefined) await admitted;
      to.resolve({ done: false, value });
    } catch (reason) {
      to.reject(reason);
    }
  }

  receiving.add(arriving);
  exchange.start({
    bytes(whole, begun) {
      if (!begun) begunAt = undefined;
      else if (whole || begunAt === undefined) begunAt = clock.monotonic();
    },
    message(bytes, incoming) {
      leave();
      room = incoming;
      const first = waiting.shift();
      if (first !== undefined) void hand(bytes, first);
      if (waiting.length > 0) exchange.read();
    },
    done() {
      receiving.delete(arriving);
      over ??= {};
      for (const each of waiting.splice(0)) each.resolve({ done: true, value: undefined });
    },
    failed: stop,
    ended(reason) {
      leave();
      stop(reason);
    },
  });

  return {
    next() {
      if (waiting.length === 0) leave();
      if (over !== undefined) {
        return over.reason === undefined ? Promise.resolve(DONE) : Promise.reject(over.reason);
      }
      const next = Promise.withResolvers<IteratorResult<Message>>();
      waiting.push(next);
      if (waiting.length === 1) {
        // While nobody asked, it could not come.
        if (begunAt !== undefined) begunAt = clock.monotonic();
        exchange.read();
      }
      return next.promise;
    },
    return() {
      over ??= {};
      return Promise.resolve(DONE);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const DONE = { done: true, value: undefined } as const;
