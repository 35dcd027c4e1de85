import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  PauseResponseSchema,
  RemoveResponseSchema,
  ResumeResponseSchema,
} from '../../../../gen/carillon/v1/webhook_pb.ts';
import { flagValue, UsageError } from '../command.ts';
import { isWebhookId, isYes, type Job, namespaceOf, show } from '../job.ts';
import { cardOf, etagOf, target } from './one.ts';

/** Of one webhook, or of all that a filter lets through. */
export async function pause(job: Job): Promise<void> {
  const { webhooks } = job.connection;
  if (isOfOne(job)) {
    const answer = await webhooks.pause({ ...(await target(job)), ...etagOf(job) });
    return show(job, PauseResponseSchema, answer, () => cardOf(job, answer.webhook));
  }
  const all = await everyPage(job, (request) => webhooks.pause(request));
  show(job, PauseResponseSchema, create(PauseResponseSchema, all), () => linesOf(job, 'paused', all));
}

export async function resume(job: Job): Promise<void> {
  const { webhooks } = job.connection;
  if (isOfOne(job)) {
    const answer = await webhooks.resume({ ...(await target(job)), ...etagOf(job) });
    return show(job, ResumeResponseSchema, answer, () => cardOf(job, answer.webhook));
  }
  const all = await everyPage(job, (request) => webhooks.resume(request));
  show(job, ResumeResponseSchema, create(ResumeResponseSchema, all), () => linesOf(job, 'resumed', all));
}

export async function remove(job: Job): Promise<void> {
  const { invocation, connection, world } = job;
  const request = {
    ...(isOfOne(job) ? await named(job) : { filter: filterOf(job) }),
    namespace: namespaceOf(invocation),
    validateOnly: isDryRun(job),
    force: flagValue(invocation, '--all') !== undefined,
  };
  const answer = await connection.webhooks.remove(request).catch(async (reason: unknown) => {
    const error = ConnectError.from(reason);
    if (error.code !== Code.FailedPrecondition || request.force) throw reason;
    // Whoever sits at a terminal is asked; a script has to say so.
    if (!world.interactive) throw new UsageError(error.rawMessage.replace(/; set force/, '; give --all'));
    const question = `${error.rawMessage.replace(/; set force.*/, '')}\nRemove all of them? [y/N] `;
    return isYes(await world.ask(question))
      ? connection.webhooks.remove({ ...request, force: true })
      : create(RemoveResponseSchema);
  });
  show(job, RemoveResponseSchema, answer, () =>
    answer.ids.length === 0 ? 'nothing was removed\n' : linesOf(job, 'removed', answer),
  );
}

/** By its id, or those with a name. */
async function named(job: Job): Promise<{ id?: string; name?: string; destination: string; etag: string }> {
  const text = job.invocation.argument ?? '';
  const destination = flagValue(job.invocation, '--destination') ?? '';
  const isId = destination === '' && (await isWebhookId(job, text));
  return { ...(isId ? { id: text } : { name: text }), destination, ...etagOf(job) };
}

/** Whether a webhook is named, rather than a filter given. Raises UsageError when both are, or neither. */
function isOfOne({ invocation }: Job): boolean {
  const { argument, flags, command } = invocation;
  if ((argument === undefined) === (flagValue(invocation, '--filter') === undefined)) {
    throw new UsageError('give either a webhook, or --filter');
  }
  const odd =
    argument === undefined ? ['--etag', '--destination'] : command.verb === 'remove' ? [] : ['--dry-run'];
  for (const flag of odd) {
    if (flags.has(flag))
      throw new UsageError(`${flag} goes with ${argument === undefined ? 'a webhook' : '--filter'} only`);
  }
  return argument !== undefined;
}

interface Found {
  readonly ids: string[];
  /** Those that were passed over. */
  readonly contendedIds: string[];
}

interface ManyRequest {
  readonly namespace: string;
  readonly filter: string;
  readonly validateOnly: boolean;
  readonly pageToken: string;
}

/** Calls as often as it takes. */
async function everyPage(
  job: Job,
  call: (request: ManyRequest) => Promise<Found & { nextPageToken: string }>,
): Promise<Found & { count: number }> {
  const ids: string[] = [];
  const contendedIds: string[] = [];
  const request = {
    namespace: namespaceOf(job.invocation),
    filter: filterOf(job),
    validateOnly: isDryRun(job),
  };
  let pageToken = '';
  do {
    const answer = await call({ ...request, pageToken });
    ids.push(...answer.ids);
    contendedIds.push(...answer.contendedIds);
    pageToken = answer.nextPageToken;
  } while (pageToken !== '');
  return { ids, count: ids.length, contendedIds };
}

function filterOf({ invocation }: Job): string {
  return flagValue(invocation, '--filter') ?? '';
}

function isDryRun({ invocation }: Job): boolean {
  return flagValue(invocation, '--dry-run') !== undefined;
}

function linesOf(job: Job, done: string, { ids, contendedIds = [] }: Partial<Found>): string {
  const lines = [
    ...(ids ?? []).map((id) => `${isDryRun(job) ? `would be ${done}` : done} ${id}\n`),
    ...contendedIds.map((id) => `not ${done} ${id}: others changed it at the same time; try again\n`),
  ];
  return lines.length === 0 ? 'no webhooks\n' : lines.join('');
}
