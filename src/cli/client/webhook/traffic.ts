import type { Webhook } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { stateOf } from '../delivery/shown.ts';
import { exactly } from '../filter.ts';
import { counted, ifAllowed, type Job, namespaceOf } from '../job.ts';
import { fromNow } from '../times.ts';

/** How it goes with a webhook's deliveries, in words. */
export interface Traffic {
  readonly lastAnswer: string;
  readonly waiting: string;
}

/** Asks with two calls, of which each looks at a bounded number of deliveries. */
export async function trafficOf(
  { connection, invocation, world }: Pick<Job, 'connection' | 'invocation' | 'world'>,
  { uid }: Pick<Webhook, 'uid'>,
): Promise<Traffic> {
  const namespace = namespaceOf(invocation);
  const its = `webhook_id = ${exactly(uid)}`;
  const [last, waiting] = await Promise.all([
    connection.deliveries.listDeliveries({ namespace, filter: `${its} AND attempt_count >= 1`, pageSize: 1 }),
    // Counting is what a cancellation does that is not carried out, which a key for reading may not ask for.
    ifAllowed(
      connection.deliveries.cancelDeliveries({
        namespace,
        filter: `${its} AND state = PENDING`,
        validateOnly: true,
      }),
    ),
  ]);
  const [delivery] = last.deliveries;
  return {
    lastAnswer: delivery === undefined ? '' : answerOf(delivery, world.now()),
    waiting:
      waiting === undefined
        ? ''
        : `${waiting.nextPageToken === '' ? '' : 'at least '}${counted(waiting.count, 'delivery', 'deliveries')}`,
  };
}

function answerOf(delivery: Parameters<typeof stateOf>[0], now: number): string {
  const { lastResponseStatus, createTime, id } = delivery;
  const status = lastResponseStatus === 0 ? 'none' : String(lastResponseStatus);
  return `${status} (${id}, created ${fromNow(createTime, now)}, ${stateOf(delivery)})`;
}
