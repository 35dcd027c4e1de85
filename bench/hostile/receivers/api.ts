import { setTimeout as sleep } from 'node:timers/promises';
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { type Caller, openCaller } from '../../callers.ts';
import type { At } from '../callers/bystanders.ts';

/** What the bench asks of the server. */
export interface Api {
  /** A webhook that is rung by events of its name, once each. */
  register(name: string, destination: string, timeoutMs: number): Promise<void>;
  publish(name: string, count: number, bytes: number): Promise<void>;
  /** One event that says when it was sent. */
  publishNow(name: string): Promise<void>;
  /** The attempts of its deliveries, once there are so many or the time is over. */
  attemptsOf(name: string, count: number, waitMs: number): Promise<Attempted[]>;
  close(): void;
}

export interface Attempted {
  readonly durationMs: number;
  /** Status and error, as an attempt shows them. */
  readonly words: string;
}

const POLL_MS = 100;
/** Of an event of that many bytes, so that a batch stays below the largest message. */
const BATCH_BYTES = 2_000_000;

export function openApi(at: At): Api {
  const caller = openCaller('connect', at);
  const ids = new Map<string, string>();
  return {
    async register(name, destination, timeoutMs) {
      const { webhook } = await caller.unary(WebhookService.method.register, {
        webhook: {
          name,
          destination,
          eventTypes: [name],
          timeout: durationFromMs(timeoutMs),
          retryPolicy: { maxAttempts: 1 },
        },
      });
      ids.set(name, webhook!.id);
    },
    async publish(name, count, bytes) {
      const event = { type: name, data: { case: 'text' as const, value: 'x'.repeat(bytes) } };
      const atOnce = Math.max(1, Math.floor(BATCH_BYTES / bytes));
      for (let left = count; left > 0; left -= atOnce) {
        const events = Array.from({ length: Math.min(left, atOnce) }, () => ({ event }));
        await caller.unary(EventService.method.publishBatch, { requests: events });
      }
    },
    async publishNow(name) {
      const data = { case: 'text' as const, value: `sent at ${systemClock.now()}` };
      await caller.unary(EventService.method.publish, { event: { type: name, data } });
    },
    async attemptsOf(name, count, waitMs) {
      const until = systemClock.monotonic() + waitMs;
      for (;;) {
        const { deliveries } = await caller.unary(DeliveryService.method.listDeliveries, {
          filter: `webhook_id = "${ids.get(name)}" AND state != PENDING`,
          pageSize: count,
        });
        if (deliveries.length < count && systemClock.monotonic() < until) await sleep(POLL_MS);
        else return Promise.all(deliveries.map(({ id }) => attemptOf(caller, id)));
      }
    },
    close: () => caller.close(),
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** The one attempt of a delivery. */
async function attemptOf(caller: Caller, id: string): Promise<Attempted> {
  const { delivery } = await caller.unary(DeliveryService.method.getDelivery, { id });
  const { duration, responseStatus, errorClass, errorMessage } = delivery!.attempts[0]!;
  const answered = responseStatus === 0 ? '' : `answered ${responseStatus}`;
  const error = errorClass === '' ? '' : `${errorClass}: ${errorMessage}`;
  return {
    durationMs: durationMs(duration!),
    words: [answered, error].filter((text) => text !== '').join('; '),
  };
}
