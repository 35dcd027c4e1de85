import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type PreviewScheduleRequest,
  type PreviewScheduleResponse,
  PreviewScheduleResponseSchema,
} from '../../../../gen/carillon/v1/webhook_pb.ts';
import { flagValue, UsageError } from '../command.ts';
import { type Job, namespaceOf, show, type Verb, webhookId } from '../job.ts';
import { type Column, table } from '../table.ts';
import { fromNow, msOf } from '../times.ts';
import { readCount, timeJson } from '../values.ts';
import { writtenWebhook } from '../webhook/written.ts';
import { SCHEDULE_FIELDS } from './commands.ts';

/** `carillon schedules …`. */
export const SCHEDULE_VERBS: Readonly<Record<string, Verb>> = { preview };

const COUNT_MAX = 100;

async function preview(job: Job): Promise<void> {
  const { invocation, connection, world } = job;
  const [count, after] = ['--count', '--after'].map((flag) => flagValue(invocation, flag));
  const answer = await connection.webhooks.previewSchedule({
    namespace: namespaceOf(invocation),
    source: await sourceOf(job),
    ...(count !== undefined && { count: readCount('--count', count, COUNT_MAX) }),
    ...(after !== undefined && {
      after: timestampFromDate(new Date(timeJson('--after', after, world.now(), 'ahead'))),
    }),
  });
  show(job, PreviewScheduleResponseSchema, answer, () => textOf(job, answer));
}

async function sourceOf(job: Job): Promise<PreviewScheduleRequest['source']> {
  const { invocation, world } = job;
  const given = SCHEDULE_FIELDS.map(({ flag }) => flag).filter((flag) => invocation.flags.has(flag));
  if (invocation.argument !== undefined) {
    if (given.length > 0)
      throw new UsageError(`give either a webhook or a schedule, and not ${given[0]} with a webhook`);
    return { case: 'id', value: await webhookId(job, invocation.argument) };
  }
  if (given.length === 0)
    throw new UsageError('give a schedule, such as --cron or --every, or the id of a webhook');
  const { webhook } = await writtenWebhook(invocation, world);
  return { case: 'schedule', value: webhook.schedule! };
}

interface Run {
  readonly local: string;
  readonly utc: string;
  readonly far: string;
}

const COLUMNS: readonly Column<Run>[] = [
  { title: 'LOCAL TIME', text: ({ local }) => local },
  { title: 'UTC', text: ({ utc }) => utc, rank: 1 },
  { title: '', text: ({ far }) => far, rank: 2 },
];

function textOf({ world, paper }: Job, answer: PreviewScheduleResponse): string {
  const { runTimes, localRunTimes, timeZone, description, clockChanges } = answer;
  const runs = runTimes.map((time, i) => ({
    local: localRunTimes[i] ?? '',
    utc: new Date(msOf(time)!).toISOString(),
    far: fromNow(time, world.now()),
  }));
  // Where local time is UTC, one of the two is enough.
  const columns = COLUMNS.filter(({ title }) => timeZone !== 'UTC' || title !== 'LOCAL TIME');
  const changes = clockChanges.map(
    ({ localTimeBefore, description: what }) => `${localTimeBefore.slice(0, 10)}  ${what}\n`,
  );
  return [
    description === '' ? 'only events ring it' : description,
    '\n\n',
    runs.length === 0 ? 'no runs\n' : table(columns, runs, paper),
    ...(changes.length > 0 ? ['\n', ...changes] : []),
  ].join('');
}
