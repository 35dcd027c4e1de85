import { type OperationalEvent, operationalData } from '../domain/operational.ts';
import type { NewEvent, Publisher } from '../publish/publish.ts';
import type { Log } from '../telemetry/log.ts';

/**
 * Publishes operational events, as events like any other. They are news and no promise: what cannot be
 * published is logged and left, and nothing that delivers waits for it.
 */
export interface Announcer {
  /** Takes an event, or leaves it out when `QUEUED_MAX` wait. */
  announce(operational: OperationalEvent): void;
  /** Resolves when everything taken so far is on disk, or was left. */
  flush(): Promise<void>;
}

export interface AnnouncerDeps {
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly log: Log;
}

/** Events that wait to be published. */
export const QUEUED_MAX = 1_000;
/** Events published together. */
const BATCH_MAX = 100;

export function createAnnouncer({ publisher, log }: AnnouncerDeps): Announcer {
  const queue: OperationalEvent[] = [];
  let publishing: Promise<void> | undefined;

  async function publishAll(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0, BATCH_MAX);
      try {
        const outcomes = await publisher.publish(batch.map(eventOf));
        for (const [i, outcome] of outcomes.entries()) {
          if (outcome.kind === 'PUBLISHED') continue;
          leave(batch[i]!, outcome.kind === 'FAILED' ? outcome.error.message : outcome.kind);
        }
      } catch (error) {
        for (const operational of batch) leave(operational, (error as Error).message);
      }
    }
    publishing = undefined;
  }

  function leave({ type, webhook, delivery }: OperationalEvent, reason: string): void {
    log.error(
      { type, webhookId: webhook.id, deliveryId: delivery.id, reason },
      'operational event left out: it could not be published',
    );
  }

  return {
    announce(operational) {
      if (queue.length >= QUEUED_MAX) return leave(operational, 'too many are waiting');
      queue.push(operational);
      publishing ??= publishAll();
    },
    async flush() {
      await publishing;
    },
  };
}

function eventOf(operational: OperationalEvent): NewEvent {
  const { namespace, type, time } = operational;
  const body = new TextEncoder().encode(JSON.stringify(operationalData(operational)));
  return { namespace, type, time, data: { kind: 'json', body }, headers: {} };
}
