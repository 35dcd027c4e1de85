import type { WaitingDelivery } from '../../domain/delivery/delivery.ts';
import type { EventBody } from '../../domain/event/event.ts';
import type { WaitingPoll } from '../delivery-queue.ts';
import type { WebhookPoll } from '../registrations.ts';

/**
 * What became visible since the last polls. One process owns the database, so what it committed is
 * handed over from memory and not read again. Everything is bounded: of too many rows only the lanes are
 * named, which have to be topped up; bodies of too many bytes are left out, and have to be read; and of too
 * many changed webhooks it is only said that all of them have to be forgotten.
 */
export interface Feed {
  /** Notes deliveries, with the body of their event if it is at hand. */
  deliveries(rows: readonly WaitingDelivery[], body?: EventBody): void;
  /** Notes that a caller had these sent again. */
  retried(rows: readonly WaitingDelivery[]): void;
  webhook(id: string): void;
  /** Notes that any webhook may have changed. */
  allWebhooks(): void;
  /** Notes a change of a namespace. */
  namespace(): void;
  /** Grows with every change of a namespace. */
  namespaceEpoch(): number;
  /** Grows with every webhook noted. */
  epoch(): number;
  /** Tells the listeners if anything was noted since they were last told. */
  announce(): void;
  takeWaiting(): WaitingPoll;
  takeWebhooks(): WebhookPoll;
  onVisible(listener: () => void): () => void;
  /** Notes that the journal grew. */
  change(): void;
  onChanges(listener: () => void): () => void;
}

export interface FeedBounds {
  /** Waiting deliveries held for the next `pollWaiting`; beyond, lanes are named in `topUp`. */
  readonly visibleRowsMax: number;
  /** Bytes of bodies held for the next `pollWaiting`; beyond, bodies are left out. */
  readonly visibleBytesMax: number;
  /** Changed webhooks held for the next `pollWebhooks`; beyond, it overflows. */
  readonly changedMax: number;
}

export const FEED_BOUNDS: FeedBounds = {
  visibleRowsMax: 20_000,
  visibleBytesMax: 16 * 1024 * 1024,
  changedMax: 10_000,
};

export function createFeed({ visibleRowsMax, visibleBytesMax, changedMax }: FeedBounds): Feed {
  const visible = createBell();
  const changes = createBell();
  /** By place: a row that changes again before it is polled is handed over once, as it is at the end. */
  let rows = new Map<number, WaitingDelivery>();
  let bodies: EventBody[] = [];
  let bodyBytes = 0;
  /** Bounded by the number of webhooks. */
  let topUp = new Set<string>();
  /** The last of each webhook; bounded in the same way. */
  let retried = new Map<string, number>();
  let changed = new Set<string>();
  let overflowed = false;
  let noted = false;
  let epoch = 0;
  let namespaceEpoch = 0;

  /** Whether there was room. */
  function add(row: WaitingDelivery): boolean {
    noted = true;
    if (topUp.has(row.webhookId)) return false;
    if (rows.size >= visibleRowsMax && !rows.has(row.ord)) {
      topUp.add(row.webhookId);
      return false;
    }
    rows.set(row.ord, row);
    return true;
  }

  return {
    deliveries(added, body) {
      let held = false;
      for (const row of added) held = add(row) || held;
      if (body === undefined || !held || bodyBytes + body.body.byteLength > visibleBytesMax) return;
      bodyBytes += body.body.byteLength;
      bodies.push(body);
    },

    retried(again) {
      for (const { webhookId, ord } of again) retried.set(webhookId, ord);
    },

    webhook(id) {
      noted = true;
      epoch++;
      if (overflowed) return;
      changed.add(id);
      if (changed.size <= changedMax) return;
      changed.clear();
      overflowed = true;
    },

    allWebhooks() {
      noted = true;
      epoch++;
      changed.clear();
      overflowed = true;
    },

    epoch: () => epoch,

    namespace() {
      namespaceEpoch++;
    },
    namespaceEpoch: () => namespaceEpoch,

    announce() {
      if (!noted) return;
      noted = false;
      visible.ring();
    },

    takeWaiting() {
      const poll = {
        deliveries: [...rows.values()],
        events: bodies,
        topUp: [...topUp],
        retried: Array.from(retried, ([webhookId, ord]) => ({ webhookId, ord })),
      };
      rows = new Map();
      bodies = [];
      bodyBytes = 0;
      topUp = new Set();
      retried = new Map();
      return poll;
    },

    takeWebhooks() {
      const poll = { changed: [...changed], overflowed };
      changed = new Set();
      overflowed = false;
      return poll;
    },

    onVisible: visible.listen,
    change: changes.ring,
    onChanges: changes.listen,
  };
}

interface Bell {
  readonly ring: () => void;
  /** Returns a way to stop. */
  readonly listen: (listener: () => void) => () => void;
}

function createBell(): Bell {
  const listeners = new Set<{ readonly call: () => void }>();
  return {
    ring() {
      for (const { call } of listeners) {
        try {
          call();
        } catch (error) {
          // A listener's mistake must not make a committed call look failed. It ends the process instead.
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    },
    listen(call) {
      const listener = { call };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
