import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { OverlapPolicy } from '../../../../gen/carillon/v1/schedule_pb.ts';
import {
  BackfillResponseSchema,
  GetResponseSchema,
  ListResponseSchema,
  RegisterResponseSchema,
  TriggerResponseSchema,
  UpdateResponseSchema,
  type Webhook,
  WebhookView,
} from '../../../../gen/carillon/v1/webhook_pb.ts';
import { flagValue, flagValues, UsageError } from '../command.ts';
import { exportWebhooks } from '../declared/export.ts';
import { counted, gather, type Job, namespaceOf, show, tellMore, type Verb } from '../job.ts';
import { table } from '../table.ts';
import { msOf } from '../times.ts';
import { rangeJson, readWord } from '../values.ts';
import { pause, remove, resume } from './many.ts';
import { cardOf, target } from './one.ts';
import { OUTPUT_ONLY } from './output-only.ts';
import { rotateSecret, withdrawSecret } from './secrets.ts';
import { webhookColumns } from './shown.ts';
import { whichWebhooks } from './which.ts';
import { writtenWebhook } from './written.ts';

/** `carillon webhooks …`. */
export const WEBHOOK_VERBS: Readonly<Record<string, Verb>> = {
  register,
  list,
  get,
  update,
  pause,
  resume,
  remove,
  trigger,
  backfill,
  'rotate-secret': rotateSecret,
  'withdraw-secret': withdrawSecret,
  export: exportWebhooks,
};

async function register(job: Job): Promise<void> {
  const { invocation, connection, world } = job;
  const { webhook } = await writtenWebhook(invocation, world);
  webhook.namespace ||= namespaceOf(invocation);
  const validateOnly = flagValue(invocation, '--validate-only') !== undefined;
  const answer = await connection.webhooks.register({ webhook, validateOnly });
  show(job, RegisterResponseSchema, answer, () => {
    const done = validateOnly ? 'Valid; not registered' : answer.created ? 'Registered' : 'Changed';
    return cardOf(job, answer.webhook, { done, secret: answer.secret });
  });
}

async function list(job: Job): Promise<void> {
  const { invocation, connection, world, paper } = job;
  const query = {
    namespace: namespaceOf(invocation),
    filter: whichWebhooks(invocation),
    orderBy: flagValue(invocation, '--order-by') ?? '',
    view: WebhookView.FULL,
  };
  const found = await gather<Webhook>(invocation, async (pageSize, pageToken) => {
    const { webhooks, nextPageToken } = await connection.webhooks.list({ ...query, pageSize, pageToken });
    return { rows: webhooks, nextPageToken };
  });
  const answer = create(ListResponseSchema, {
    webhooks: [...found.rows],
    nextPageToken: found.nextPageToken,
  });
  show(job, ListResponseSchema, answer, () =>
    found.rows.length === 0 ? 'no webhooks\n' : table(webhookColumns(world.now()), found.rows, paper),
  );
  tellMore(job, found);
}

async function get(job: Job): Promise<void> {
  const answer = await job.connection.webhooks.get(await target(job));
  show(job, GetResponseSchema, answer, () => cardOf(job, answer.webhook));
}

async function update(job: Job): Promise<void> {
  const { invocation, connection, world } = job;
  const { webhook, paths } = await writtenWebhook(invocation, world);
  const mask = [...paths.filter((path) => !NOT_MASKED.has(path)), ...flagValues(invocation, '--clear')];
  if (mask.length === 0) {
    throw new UsageError('nothing to change was given; see carillon webhooks update --help');
  }
  const etag = flagValue(invocation, '--etag') ?? webhook.etag;
  const { id, namespace } = await target(job);
  const answer = await connection.webhooks.update({
    webhook: { ...webhook, id, etag, namespace: webhook.namespace || namespace },
    updateMask: { paths: mask },
  });
  show(job, UpdateResponseSchema, answer, () => cardOf(job, answer.webhook, { done: 'Changed' }));
}

/** What a webhook that was printed has, and no update can change. */
const NOT_MASKED = new Set(['id', 'namespace', 'signing', ...OUTPUT_ONLY]);

async function trigger(job: Job): Promise<void> {
  const answer = await job.connection.webhooks.trigger(await target(job));
  show(job, TriggerResponseSchema, answer, () => `delivery ${answer.deliveryId}\n`);
}

async function backfill(job: Job): Promise<void> {
  const { invocation, connection, world } = job;
  const now = world.now();
  const { since, until = new Date(now).toISOString() } = rangeJson(invocation, now);
  if (since === undefined) throw new UsageError('--since is required: the first moment of the span');
  const overlap = flagValue(invocation, '--overlap') ?? 'buffer';
  const policy = readWord('--overlap', overlap, ['buffer', 'allow'], '') as 'BUFFER' | 'ALLOW';
  const validateOnly = flagValue(invocation, '--validate-only') !== undefined;
  const answer = await connection.webhooks.backfill({
    ...(await target(job)),
    startTime: timestampFromDate(new Date(since)),
    endTime: timestampFromDate(new Date(until)),
    overlapPolicy: OverlapPolicy[policy],
    validateOnly,
  });
  show(job, BackfillResponseSchema, answer, () => {
    const runs = counted(answer.runCount, 'run', 'runs');
    const known = answer.knownRunCount === 0 ? '' : `; ${answer.knownRunCount} had fired before`;
    const nextAt = msOf(answer.nextStartTime);
    const next = nextAt === undefined ? '' : `go on with --since ${new Date(nextAt).toISOString()}\n`;
    return `${runs} ${validateOnly ? 'would be fired' : 'fired'}${known}\n${next}`;
  });
}
