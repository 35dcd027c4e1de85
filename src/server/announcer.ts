import { type OperationalEvent, operationalData } from '../domain/webhook/operational.ts';
import type { NewEvent, Publisher } from '../publish/publisher.ts';
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

/** Events that wait to be published, about a kilobyte each. */
export const QUEUED_MAX = 10_000;
/** Events published together: as fast as a flood of failures comes to disk. */
const BATCH_MAX = 500;

export function createAnnouncer({ publisher, log }: AnnouncerDeps): Announcer {
  const queue: OperationalEvent[] = [];
  let publishing: Promise<void> | undefined;
  /** What came while too many waited: a line for each would be a second flood. */
  let unqueued = noneLeft();

  async function publishAll(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0, BATCH_MAX);
      await publish(batch);
      report(unqueued, 'too many are waiting');
      unqueued = noneLeft();
    }
    publishing = undefined;
  }

  async function publish(batch: readonly OperationalEvent[]): Promise<void> {
    const left = new Map<string, Left>();
    const leave = (operational: OperationalEvent, reason: string) =>
      left.set(reason, oneMore(left.get(reason) ?? noneLeft(), operational));
    try {
      const outcomes = await publisher.publish(batch.map(eventOf));
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome.kind === 'PUBLISHED') continue;
        leave(batch[i]!, outcome.kind === 'FAILED' ? outcome.error.message : outcome.kind);
      }
    } catch (error) {
      for (const operational of batch) leave(operational, (error as Error).message);
    }
    for (const [reason, each] of left) report(each, reason);
  }

  function report({ count, first }: Left, reason: string): void {
    if (first === undefined) return;
    const { type, webhook } = first;
    const about = 'delivery' in first ? { deliveryId: first.delivery.id } : {};
    log.error(
      { events: count, type, webhookId: webhook.id, ...about, reason },
      'operational events left out: they could not be published',
    );
  }

  return {
    announce(operational) {
      if (queue.length >= QUEUED_MAX) {
        unqueued = oneMore(unqueued, operational);
        return;
      }
      queue.push(operational);
      publishing ??= publishAll();
    },
    async flush() {
      await publishing;
    },
  };
}

/** Events that were left out for one reason. */
interface Left {
  readonly count: number;
  readonly first?: OperationalEvent;
}

function noneLeft(): Left {
  return { count: 0 };
}

function oneMore({ count, first }: Left, operational: OperationalEvent): Left {
  return { count: count + 1, first: first ?? operational };
}

function eventOf(operational: OperationalEvent): NewEvent {
  const { namespace, type, time } = operational;
  const body = new TextEncoder().encode(JSON.stringify(operationalData(operational)));
  return { namespace, type, time, data: { kind: 'json', body }, headers: {} };
}
