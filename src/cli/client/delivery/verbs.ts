import { create } from '@bufbuild/protobuf';
import {
  CancelDeliveriesResponseSchema,
  CancelDeliveryResponseSchema,
  type Delivery,
  GetDeliveryResponseSchema,
  ListDeliveriesResponseSchema,
  RetryDeliveriesResponseSchema,
  RetryDeliveryResponseSchema,
} from '../../../../gen/carillon/v1/delivery_pb.ts';
import { flagValue, UsageError } from '../command.ts';
import { counted, gather, type Job, namespaceOf, show, tellMore, type Verb, withTimesFixed } from '../job.ts';
import { table } from '../table.ts';
import { attemptsShown, deliveryCard, deliveryColumns } from './shown.ts';
import { watch } from './watch.ts';
import { whichDeliveries } from './which.ts';

/** `carillon deliveries …`. */
export const DELIVERY_VERBS: Readonly<Record<string, Verb>> = { list, get, watch, retry, cancel };

async function list(given: Job): Promise<void> {
  const job = withTimesFixed(given);
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
  if (isOfOne(job)) {
    const answer = await connection.deliveries.retryDelivery(named(job));
    return show(job, RetryDeliveryResponseSchema, answer, () => {
      const waitsFor = answer.delivery?.waitsFor ?? '';
      return waitsFor === ''
        ? `${sent(1)} sent again\n`
        : `1 delivery is to be sent again, after ${waitsFor}, which goes before it in its ordered webhook\n`;
    });
  }
  const waiting = flagValue(invocation, '--waiting') !== undefined;
  const filter = await whichDeliveries(job, waiting ? failedOrWaiting(job) : ['state = FAILED']);
  const answer = await sumOf(job, (pageToken, validateOnly) =>
    connection.deliveries.retryDeliveries({
      namespace: namespaceOf(invocation),
      filter,
      validateOnly,
      pageToken,
    }),
  );
  show(job, RetryDeliveriesResponseSchema, create(RetryDeliveriesResponseSchema, answer), () => {
    const hint = answer.count === 0 && !waiting ? '; --waiting takes those that wait too' : '';
    if (isDryRun(job)) return `${would(answer.count)} sent again\n`;
    return `${sent(answer.count)} sent again${hint}${heldBack(answer.heldBackCount)}${passedOver(answer.fullCount)}\n`;
  });
}

async function cancel(job: Job): Promise<void> {
  const { invocation, connection, world, paper } = job;
  if (isOfOne(job)) {
    const answer = await connection.deliveries.cancelDelivery(named(job));
    return show(job, CancelDeliveryResponseSchema, answer, () =>
      answer.delivery === undefined ? '' : deliveryCard(answer.delivery, world.now(), paper),
    );
  }
  const filter = await whichDeliveries(job, []);
  const answer = await sumOf(job, (pageToken, validateOnly) =>
    connection.deliveries.cancelDeliveries({
      namespace: namespaceOf(invocation),
      filter,
      validateOnly,
      pageToken,
    }),
  );
  show(job, CancelDeliveriesResponseSchema, create(CancelDeliveriesResponseSchema, answer), () =>
    isDryRun(job) ? `${would(answer.count)} cancelled\n` : `${sent(answer.count)} cancelled\n`,
  );
}

/** Whether a delivery is named, rather than what it has. Raises UsageError when both are, or neither. */
function isOfOne({ invocation }: Job): boolean {
  const { argument, command, flags } = invocation;
  const choosing = command.options.filter(({ field }) => field === 'filter').map(({ flag }) => flag);
  const given = [...choosing, '--waiting', '--dry-run'].filter((flag) => flags.has(flag));
  if (argument === undefined && !given.some((flag) => choosing.includes(flag))) {
    throw new UsageError(`give either a delivery, or --webhook or another of ${choosing.join(', ')}`);
  }
  if (argument !== undefined && given.length > 0)
    throw new UsageError(`${given[0]} does not go with a delivery; give either`);
  return argument !== undefined;
}

/** Calls as often as it takes, and adds up what was done. */
async function sumOf(
  job: Job,
  call: (
    pageToken: string,
    validateOnly: boolean,
  ) => Promise<{ count: number; heldBackCount?: number; fullCount?: number; nextPageToken: string }>,
): Promise<{ count: number; heldBackCount: number; fullCount: number }> {
  let count = 0;
  let heldBackCount = 0;
  let fullCount = 0;
  let pageToken = '';
  do {
    const answer = await call(pageToken, isDryRun(job));
    count += answer.count;
    heldBackCount += answer.heldBackCount ?? 0;
    fullCount += answer.fullCount ?? 0;
    pageToken = answer.nextPageToken;
  } while (pageToken !== '');
  return { count, heldBackCount, fullCount };
}

/** What failed, and what failed before and waits for its next attempt. */
function failedOrWaiting({ world }: Job): string[] {
  const now = new Date(world.now()).toISOString();
  return [`(state = FAILED OR (state = PENDING AND attempt_count > 0 AND next_attempt_time > ${now}))`];
}

function isDryRun({ invocation }: Job): boolean {
  return flagValue(invocation, '--dry-run') !== undefined;
}

function passedOver(count: number): string {
  return count === 0 ? '' : `; ${count} not, since as much waits for their webhooks as may`;
}

function heldBack(count: number): string {
  if (count === 0) return '';
  return `; ${counted(count, 'of them waits', 'of them wait')} for another, in ordered webhooks (deliveries get says which)`;
}

function sent(count: number): string {
  return counted(count, 'delivery is', 'deliveries are');
}

function would(count: number): string {
  return `${counted(count, 'delivery', 'deliveries')} would be`;
}

function named({ invocation }: Job): { id: string; namespace: string } {
  return { id: invocation.argument ?? '', namespace: namespaceOf(invocation) };
}
