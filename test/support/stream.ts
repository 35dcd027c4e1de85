/** A publisher whose batches wait to be let go, and a stream of requests that is filled by hand. */
import type { EventDraft } from '../../src/domain/event/rules.ts';
import type { Published, Publisher } from '../../src/publish/publisher.ts';

export interface HeldPublisher extends Publisher {
  /** The ids of each batch that it was given, in order. */
  readonly batches: readonly string[][];
  /** Lets the oldest batch that waits go: each event published, or all of them refused. Waits for one if there is none. */
  letGo(failure?: Error): Promise<void>;
  /** Lets all go, from now on. */
  letAllGo(): void;
}

export function heldPublisher(): HeldPublisher {
  const batches: string[][] = [];
  const waiting: ((failure: Error | undefined) => void)[] = [];
  let came = Promise.withResolvers<void>();
  let holds = true;
  return {
    batches,
    publish(batch) {
      batches.push(batch.map(({ callerId = '' }) => callerId));
      if (!holds) return quickPublisher.publish(batch);
      const { promise, resolve, reject } = Promise.withResolvers<Published[]>();
      waiting.push((failure) => (failure ? reject(failure) : resolve(batch.map(published))));
      came.resolve();
      came = Promise.withResolvers();
      return promise;
    },
    async letGo(failure) {
      while (waiting.length === 0) await came.promise;
      waiting.shift()?.(failure);
    },
    letAllGo() {
      holds = false;
      for (const each of waiting.splice(0)) each(undefined);
    },
  };
}

/** Publishes everything at once, to nobody. */
export const quickPublisher: Publisher = { publish: async (batch) => batch.map(published) };

function published({ callerId = 'evt_1' }: EventDraft): Published {
  return { kind: 'PUBLISHED', id: callerId, deliveries: 0, duplicate: false };
}

export interface Feed<T> extends AsyncIterable<T> {
  push(...items: T[]): void;
  end(): void;
  fail(reason: unknown): void;
  /** How many items were read. */
  readonly read: number;
}

export function createFeed<T>(): Feed<T> {
  const items: T[] = [];
  let changed = Promise.withResolvers<void>();
  let ended = false;
  let failure: { reason: unknown } | undefined;
  let read = 0;
  const change = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  return {
    push(...more) {
      items.push(...more);
      change();
    },
    end() {
      ended = true;
      change();
    },
    fail(reason) {
      failure = { reason };
      change();
    },
    get read() {
      return read;
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const item = items.shift();
        if (item !== undefined) {
          read++;
          yield item;
        } else if (failure) throw failure.reason;
        else if (ended) return;
        else await changed.promise;
      }
    },
  };
}
