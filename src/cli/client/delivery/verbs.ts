import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  CancelDeliveryResponseSchema,
  type Delivery,
  GetDeliveryResponseSchema,
  ListDeliveriesResponseSchema,
  RetryDeliveryResponseSchema,
} from '../../../../gen/carillon/v1/delivery_pb.ts';
import { flagValue, UsageError } from '../command.ts';
import { counted, gather, type Job, namespaceOf, show, tellMore, type Verb, webhookId } from '../job.ts';
import { table } from '../table.ts';
import { timeJson } from '../values.ts';
import { attemptsShown, deliveryCard, deliveryColumns } from './shown.ts';
import { watch } from './watch.ts';
import { whichDeliveries } from './which.ts';

/** `carillon deliveries …`. */
export const DELIVERY_VERBS: Readonly<Record<string, Verb>> = { list, get, watch, retry, cancel };

async function list(job: Job): Promise<void> {
  const { invocation, connection, world, paper } = job;
  const query = {
    namespace: namespaceOf(invocation),
    filter: await whichDeliveries(job),
    orderBy: flagValue(invocation, '--order-by') ?? '',
  };
  const found = await gather<Delivery>(invocation, async (pageSize, pageToken) => {
    const page = await connection.deliveries.listDeliveries({ ...query, pageSize, pageToken });
    return { rows: page.deliveries, nextPageToken: page.nextPageToken };
  });
  const answer = create(ListDeliveriesResponseSchema, {
    deliveries: [...found.rows],
    nextPageToken: found.nextPageToken,
  });
  show(job, ListDeliveriesResponseSchema, answer, () =>
    found.rows.length === 0 ? 'no deliveries\n' : table(deliveryColumns(world.now()), found.rows, paper),
  );
  tellMore(job, found);
}

async function get(job: Job): Promise<void> {
  const { invocation, connection, world, paper } = job;
  const answer = await connection.deliveries.getDelivery(named(job));
  show(job, GetDeliveryResponseSchema, answer, () => {
    const { delivery } = answer;
    if (delivery === undefined) return '';
    const full = flagValue(invocation, '--full') !== undefined;
    return deliveryCard(delivery, world.now(), paper) + attemptsShown(delivery, full, world.now(), paper);
  });
}

async function retry(job: Job): Promise<void> {
  const { invocation, connection } = job;
  const { argument: id } = invocation;
  const webhook = flagValue(invocation, '--webhook');
  if ((id === undefined) === (webhook === undefined))
    throw new UsageError('give either a delivery, or --webhook');
  for (const flag of ['--since', '--waiting']) {
    if (webhook === undefined && flagValue(invocation, flag) !== undefined)
      throw new UsageError(`${flag} goes with --webhook only`);
  }
  const answer = await connection.deliveries.retryDelivery({
    namespace: namespaceOf(invocation),
    target:
      webhook === undefined
        ? { case: 'id', value: id ?? '' }
        : { case: 'failedOf', value: await failedOf(job, webhook) },
  });
  show(job, RetryDeliveryResponseSchema, answer, () => {
    const more = answer.more ? '; there are more: do this again for them' : '';
    const hint =
      answer.count === 0 && !isWaitingToo(invocation) ? '; --waiting takes those that wait too' : '';
    return `${counted(answer.count, 'delivery is', 'deliveries are')} sent again${more}${hint}\n`;
  });
}

async function failedOf(job: Job, webhook: string) {
  const { invocation, world } = job;
  const since = flagValue(invocation, '--since');
  return {
    webhookId: await webhookId(job, webhook),
    waiting: isWaitingToo(invocation),
    ...(since !== undefined && {
      startTime: timestampFromDate(new Date(timeJson('--since', since, world.now(), 'ago'))),
    }),
  };
}

function isWaitingToo(invocation: Job['invocation']): boolean {
  return flagValue(invocation, '--waiting') !== undefined;
}

async function cancel(job: Job): Promise<void> {
  const answer = await job.connection.deliveries.cancelDelivery(named(job));
  show(job, CancelDeliveryResponseSchema, answer, () =>
    answer.delivery === undefined ? '' : deliveryCard(answer.delivery, job.world.now(), job.paper),
  );
}

function named({ invocation }: Job): { id: string; namespace: string } {
  return { id: invocation.argument ?? '', namespace: namespaceOf(invocation) };
}
