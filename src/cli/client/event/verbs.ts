import { create, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { timestampFromDate, ValueSchema } from '@bufbuild/protobuf/wkt';
import {
  type Event,
  EventSchema,
  GetEventResponseSchema,
  ListEventsResponseSchema,
  PublishRequestSchema,
  PublishResponseSchema,
  PurgeEventResponseSchema,
  ReplayEventsResponseSchema,
} from '../../../../gen/carillon/v1/event_pb.ts';
import { RUN_EVENT_TYPE } from '../../../domain/event/event.ts';
import { flagValue, flagValues, type Invocation, UsageError } from '../command.ts';
import { allOf, quoted } from '../filter.ts';
import {
  counted,
  gather,
  type Job,
  namespaceOf,
  show,
  tellMore,
  type Verb,
  webhookId,
  withTimesFixed,
} from '../job.ts';
import { type Column, card, table } from '../table.ts';
import { plainLines } from '../terminal-text.ts';
import { fromNow, inFull, msOf } from '../times.ts';
import { rangeJson, readDuration, readEntry, timeJson } from '../values.ts';
import { eventData, readContent, utf8 } from './written-data.ts';

/** `carillon events …`. */
export const EVENT_VERBS: Readonly<Record<string, Verb>> = { publish, list, get, replay, purge };

/** How much of an event's data is shown; JSON has all of it. */
const SHOWN_BYTES = 16 * 1024;

async function publish(job: Job): Promise<void> {
  const { invocation, connection, world } = job;
  const [data, deliverAt, delay] = ['--data', '--deliver-at', '--delay'].map((flag) =>
    flagValue(invocation, flag),
  );
  if (deliverAt !== undefined && delay !== undefined) {
    throw new UsageError('--deliver-at and --delay are both given; give one of them');
  }
  const contentType = flagValue(invocation, '--content-type');
  const isText = invocation.flags.has('--text');
  if (isText && contentType !== undefined) {
    throw new UsageError('--text and --content-type are both given; give one of them');
  }
  const time = flagValue(invocation, '--time');
  const event = create(EventSchema, {
    type: invocation.argument ?? '',
    namespace: namespaceOf(invocation),
    id: flagValue(invocation, '--id') ?? '',
    source: flagValue(invocation, '--source') ?? '',
    subject: flagValue(invocation, '--subject') ?? '',
    headers: Object.fromEntries(
      flagValues(invocation, '--header').map((text) => readEntry('--header', text)),
    ),
    extensions: Object.fromEntries(
      flagValues(invocation, '--extension').map((text) => readEntry('--extension', text)),
    ),
    contentType: contentType ?? '',
    ...(time !== undefined && { time: moment('--time', time, world.now(), 'ago') }),
    ...(data !== undefined && eventData(await readContent('--data', data, world), contentType, isText)),
  });
  const answer = await connection.events.publish(
    create(PublishRequestSchema, { event, ...dueOf(deliverAt, delay, world.now()) }),
  );
  show(job, PublishResponseSchema, answer, () => {
    const deliveries = counted(answer.deliveryCount, 'delivery', 'deliveries');
    return `${answer.id} ${answer.duplicate ? 'was published before' : 'published'}, ${deliveries}\n`;
  });
}

function dueOf(
  deliverAt: string | undefined,
  delay: string | undefined,
  now: number,
): MessageInitShape<typeof PublishRequestSchema> {
  if (deliverAt !== undefined) {
    const value = moment('--deliver-at', deliverAt, now, 'ahead');
    return { due: { case: 'deliverTime', value } };
  }
  if (delay === undefined) return {};
  const ms = readDuration('--delay', delay);
  const value = { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
  return { due: { case: 'delay', value } };
}

async function list(given: Job): Promise<void> {
  const job = withTimesFixed(given);
  const { invocation, connection, world, paper } = job;
  const type = flagValue(invocation, '--type');
  const { since, until } = rangeJson(invocation, world.now());
  const parts = [
    ...(type === undefined ? [] : [`type = ${quoted(type)}`]),
    ...(since === undefined ? [] : [`create_time >= ${since}`]),
    ...(until === undefined ? [] : [`create_time < ${until}`]),
    ...(asksForRuns(invocation) ? [] : [`NOT type = ${quoted(RUN_EVENT_TYPE)}`]),
  ];
  const query = {
    namespace: namespaceOf(invocation),
    filter: allOf(parts, invocation),
    orderBy: flagValue(invocation, '--order-by') ?? '',
  };
  const found = await gather<Event>(invocation, async (pageSize, pageToken) => {
    const { events, nextPageToken } = await connection.events.listEvents({ ...query, pageSize, pageToken });
    return { rows: events, nextPageToken };
  });
  const answer = create(ListEventsResponseSchema, {
    events: [...found.rows],
    nextPageToken: found.nextPageToken,
  });
  show(job, ListEventsResponseSchema, answer, () =>
    found.rows.length === 0
      ? `no events${asksForRuns(invocation) ? '' : '; --runs shows those of schedules too'}\n`
      : table(eventColumns(world.now()), found.rows, paper),
  );
  tellMore(job, found);
}

/** The events of schedules, which would bury all others: whoever names a type says what to see. */
function asksForRuns(invocation: Invocation): boolean {
  if (invocation.flags.has('--runs') || invocation.flags.has('--type')) return true;
  return /\btype\b/.test(flagValue(invocation, '--filter') ?? '');
}

function eventColumns(now: number): readonly Column<Event>[] {
  return [
    { title: 'ID', text: ({ id }) => id },
    { title: 'PUBLISHED', text: ({ createTime }) => fromNow(createTime, now) },
    { title: 'TYPE', text: ({ type }) => type, atLeast: 12 },
    { title: 'SOURCE', text: ({ source }) => source, atLeast: 8, rank: 1 },
    { title: 'SUBJECT', text: ({ subject }) => subject, atLeast: 8, rank: 2 },
    { title: 'CONTENT', text: ({ contentType }) => contentType, atLeast: 8, rank: 0 },
    { title: '', text: ({ purged }) => (purged ? 'purged' : ''), style: () => 'warn' },
  ];
}

async function get(job: Job): Promise<void> {
  const { connection, world, paper } = job;
  const answer = await connection.events.getEvent(named(job.invocation));
  show(job, GetEventResponseSchema, answer, () => {
    const { event, deliveryCount } = answer;
    if (event === undefined) return '';
    const fields = card(
      [
        ['id', event.id],
        ['type', event.type],
        ['namespace', event.namespace],
        ['source', event.source],
        ['subject', event.subject],
        ['time', inFull(event.time, world.now())],
        ['published', inFull(event.createTime, world.now())],
        ['run of', inFull(event.scheduledTime, world.now())],
        ['content type', event.contentType],
        ['headers', entries(event.headers)],
        ['extensions', entries(event.extensions)],
        ['deliveries', String(deliveryCount)],
        ['data', event.purged ? 'erased' : dataLine(event)],
      ],
      paper,
    );
    const text = dataText(event);
    return text === undefined ? fields : `${fields}\n${text}\n`;
  });
}

function entries(texts: Readonly<Record<string, string>>): string {
  return Object.entries(texts)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

/** What its data is, when it is not shown as text. */
function dataLine({ data }: Event): string {
  switch (data.case) {
    case 'bytes':
      return utf8(data.value) === undefined
        ? `${counted(data.value.length, 'byte', 'bytes')}; --json has them`
        : '';
    case 'json':
    case 'text':
      return '';
    case undefined:
      return 'none';
    default:
      return data satisfies never;
  }
}

function dataText({ data }: Event): string | undefined {
  const text =
    data.case === 'text'
      ? data.value
      : data.case === 'bytes'
        ? utf8(data.value)
        : data.case === 'json'
          ? JSON.stringify(toJson(ValueSchema, data.value))
          : undefined;
  if (text === undefined || text === '') return undefined;
  const shown = text.length > SHOWN_BYTES ? `${text.slice(0, SHOWN_BYTES)}…` : text;
  return plainLines(shown);
}

async function replay(job: Job): Promise<void> {
  const { invocation, connection, world } = job;
  const ids = flagValues(invocation, '--id');
  const { startTime, endTime } = rangeOf(job);
  const type = flagValue(invocation, '--type') ?? '';
  const ranged = startTime !== undefined || endTime !== undefined || type !== '';
  if (ids.length > 0 === ranged) {
    throw new UsageError('give either --since, with or without --until and --type, or --id');
  }
  const [webhook, deliveredTo, filter = ''] = ['--webhook', '--delivered-to', '--filter'].map((flag) =>
    flagValue(invocation, flag),
  );
  const validateOnly = flagValue(invocation, '--validate-only') !== undefined;
  const answer = await connection.events.replayEvents({
    namespace: namespaceOf(invocation),
    events:
      ids.length > 0
        ? { case: 'ids', value: { ids: [...ids] } }
        : { case: 'range', value: { type, ...(startTime && { startTime }), ...(endTime && { endTime }) } },
    filter,
    webhookId: webhook === undefined ? '' : await webhookId(job, webhook),
    deliveredTo: deliveredTo === undefined ? '' : await webhookId(job, deliveredTo),
    validateOnly,
  });
  const missing = new Set(ids).size - answer.eventCount;
  if (ids.length > 0 && filter === '' && deliveredTo === undefined && missing > 0) {
    const named = counted(missing, 'event that was named is', 'events that were named are');
    world.err(`carillon: ${named} not there, or erased\n`);
  }
  show(job, ReplayEventsResponseSchema, answer, () => {
    const events = counted(answer.eventCount, 'event', 'events');
    const deliveries = counted(answer.deliveryCount, 'delivery', 'deliveries');
    const next = msOf(answer.nextStartTime);
    const more =
      next === undefined ? '' : `there are more: replay again with --since ${new Date(next).toISOString()}\n`;
    return `${events}, ${deliveries} ${validateOnly ? 'would be made' : 'made'}\n${more}`;
  });
}

async function purge(job: Job): Promise<void> {
  const answer = await job.connection.events.purgeEvent(named(job.invocation));
  show(job, PurgeEventResponseSchema, answer, () => {
    const cancelled = counted(answer.cancelledCount, 'waiting delivery', 'waiting deliveries');
    const pending = answer.erasurePending
      ? 'the log of the database still holds it: another program is reading there; it is tried again every minute\n'
      : '';
    return `erased, and ${cancelled} cancelled\n${pending}`;
  });
}

function named(invocation: Invocation): { id: string; namespace: string } {
  return { id: invocation.argument ?? '', namespace: namespaceOf(invocation) };
}

function rangeOf({ invocation, world }: Job) {
  const { since, until } = rangeJson(invocation, world.now());
  return {
    ...(since !== undefined && { startTime: timestampFromDate(new Date(since)) }),
    ...(until !== undefined && { endTime: timestampFromDate(new Date(until)) }),
  };
}

function moment(flag: string, text: string, now: number, direction: 'ago' | 'ahead') {
  return timestampFromDate(new Date(timeJson(flag, text, now, direction)));
}
