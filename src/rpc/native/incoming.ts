import type { DescMessage, Message } from '@bufbuild/protobuf';
import { readBinary } from '../intake.ts';
import type { Exchange } from './exchange.ts';

/**
 * The messages that a caller streams. One is read from the connection for each that is asked for, so
 * that a caller who is faster than the handler has to wait. Rejects when the call ends early, and with
 * INVALID for a message that cannot be read.
 */
export function incoming(exchange: Exchange, type: DescMessage): AsyncIterableIterator<Message> {
  const waiting: PromiseWithResolvers<IteratorResult<Message>>[] = [];
  let over: { readonly reason?: unknown } | undefined;

  exchange.start({
    message(bytes) {
      const first = waiting.shift();
      try {
        first?.resolve({ done: false, value: readBinary(type, bytes, 'a message of the stream') });
      } catch (reason) {
        first?.reject(reason);
      }
      if (waiting.length > 0) exchange.read();
    },
    done() {
      over ??= {};
      for (const each of waiting.splice(0)) each.resolve({ done: true, value: undefined });
    },
    ended(reason) {
      over ??= { reason };
      for (const each of waiting.splice(0)) each.reject(reason);
    },
  });

  return {
    next() {
      if (over !== undefined) {
        return over.reason === undefined ? Promise.resolve(DONE) : Promise.reject(over.reason);
      }
      const next = Promise.withResolvers<IteratorResult<Message>>();
      waiting.push(next);
      if (waiting.length === 1) exchange.read();
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
