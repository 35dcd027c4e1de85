import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, createClient } from '@connectrpc/connect';
import { DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import type { ScheduleSchema } from '../../../gen/carillon/v1/schedule_pb.ts';
import { type WebhookSchema, WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { PROBLEMS_MAX } from '../../../src/domain/problems.ts';
import { fieldsOf, refusal, sharedApi, violations } from '../../support/rpc.ts';
import { T0 } from '../../support/store.ts';

type WebhookInit = MessageInitShape<typeof WebhookSchema>;
type ScheduleInit = MessageInitShape<typeof ScheduleSchema>;

const GOOD = { name: 'joe', destination: 'http://127.0.0.1:9999/hook' };
const seconds = (count: number) => ({ seconds: BigInt(count) });
const time = (ms: number) => ({ seconds: BigInt(ms / 1000) });
const every = (count: number, rest: Omit<ScheduleInit, '$typeName'> = {}): WebhookInit => ({
  schedule: { when: { case: 'every', value: seconds(count) }, ...rest } as ScheduleInit,
});
const cron = (value: string, rest: Omit<ScheduleInit, '$typeName'> = {}): WebhookInit => ({
  schedule: { when: { case: 'cron', value }, ...rest } as ScheduleInit,
});

/** What is asked for, the one field that is named, and what is said about it. */
const BAD_WEBHOOKS: readonly [what: string, webhook: WebhookInit, field: string, says: RegExp][] = [
  ['no name', { name: '' }, 'name', /must not be empty/],
  ['a name of 257 characters', { name: 'x'.repeat(257) }, 'name', /256/],
  ['no destination', { destination: '' }, 'destination', /must not be empty/],
  ['a relative destination', { destination: '/hook' }, 'destination', /absolute/],
  ['a destination that is not HTTP', { destination: 'ftp://example.com/' }, 'destination', /ftp/],
  ['a destination with user info', { destination: 'https://u:p@example.com/' }, 'destination', /user info/],
  [
    'a destination with a control character',
    { destination: 'https://example.com/\t' },
    'destination',
    /control/,
  ],
  [
    'a destination of 2,049 characters',
    { destination: `https://e.com/${'x'.repeat(2035)}` },
    'destination',
    /2048/,
  ],
  ['a destination inside', { destination: 'http://10.0.0.1/' }, 'destination', /inside/],
  ['a hop-by-hop header', { headers: { Connection: 'close' } }, 'headers["Connection"]', /connection/],
  ['a host header', { headers: { host: 'x' } }, 'headers["host"]', /Carillon/],
  [
    'a content-length header',
    { headers: { 'Content-Length': '1' } },
    'headers["Content-Length"]',
    /Carillon/,
  ],
  ['a webhook- header', { headers: { 'webhook-id': 'x' } }, 'headers["webhook-id"]', /Carillon/],
  ['a header value with CR and LF', { headers: { 'x-a': 'b\r\nx-c: d' } }, 'headers["x-a"]', /characters/],
  ['a header value with NUL', { headers: { 'x-a': 'b\0' } }, 'headers["x-a"]', /characters/],
  ['a header twice', { headers: { 'x-a': '1', 'X-A': '2' } }, 'headers["X-A"]', /twice/],
  [
    '33 headers',
    { headers: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`x-${i}`, 'a'])) },
    'headers',
    /32/,
  ],
  ['a cron that cannot be parsed', cron('0 0 32 * *'), 'schedule.cron', /32/],
  ['a cron with a strange word', cron('0 0 * FOO *'), 'schedule.cron', /FOO/],
  ['a cron that never fires', cron('0 0 30 2 *'), 'schedule.cron', /never fires/],
  ['an empty cron', cron(''), 'schedule.cron', /must not be empty/],
  ['an unknown zone', cron('@daily', { timeZone: 'Mars/Olympus' }), 'schedule.time_zone', /Mars/],
  ['an unknown zone that has no use', every(60, { timeZone: 'Mars/Olympus' }), 'schedule.time_zone', /Mars/],
  [
    'every 0.5 s',
    { schedule: { when: { case: 'every', value: { nanos: 500_000_000 } } } },
    'schedule.every',
    /1 s/,
  ],
  ['every 367 days', every(367 * 86_400), 'schedule.every', /366 days/],
  ['every -5 s', every(-5), 'schedule.every', /1 s/],
  ['@every 500ms', cron('@every 500ms'), 'schedule.cron', /1 s/],
  [
    'a period finer than a millisecond',
    { schedule: { when: { case: 'every', value: { seconds: 5n, nanos: 1 } } } },
    'schedule.every',
    /whole number of milliseconds/,
  ],
  [
    'a duration of mixed signs',
    { schedule: { when: { case: 'every', value: { seconds: 5n, nanos: -1 } } } },
    'schedule.every',
    /sign/,
  ],
  ['`at` in the past', { schedule: { when: { case: 'at', value: time(T0 - 1000) } } }, 'schedule.at', /past/],
  [
    '`at` in the year 20000',
    { schedule: { when: { case: 'at', value: { seconds: 569_000_000_000n } } } },
    'schedule.at',
    /9999/,
  ],
  ['a schedule of nothing', { schedule: {} }, 'schedule.when', /required/],
  [
    'an end before the start',
    every(60, { startTime: time(T0 + 60_000), endTime: time(T0 + 30_000) } as ScheduleInit),
    'schedule.end_time',
    /after start_time/,
  ],
  ['negative max_runs', every(60, { maxRuns: -1n }), 'schedule.max_runs', /0/],
  ['max_runs beyond 2^53', every(60, { maxRuns: 2n ** 60n }), 'schedule.max_runs', /2\^53/],
  ['a jitter of 25 h', every(60, { jitter: seconds(90_000) } as ScheduleInit), 'schedule.jitter', /86400/],
  ['an unknown misfire policy', every(60, { misfirePolicy: 9 as 1 }), 'schedule.misfire_policy', /defined/],
  ['no attempts', { retryPolicy: { maxAttempts: 0 } }, 'retry_policy.max_attempts', /1/],
  ['101 attempts', { retryPolicy: { maxAttempts: 101 } }, 'retry_policy.max_attempts', /100/],
  [
    'a retry after 8 days',
    { retryPolicy: { delays: [seconds(1), seconds(8 * 86_400)] } },
    'retry_policy.delays[1]',
    /604800/,
  ],
  ['a retry jitter above 1', { retryPolicy: { jitter: 1.5 } }, 'retry_policy.jitter', /1/],
  ['a retry jitter that is no number', { retryPolicy: { jitter: Number.NaN } }, 'retry_policy.jitter', /1/],
  ['a concurrency of 257', { limits: { concurrency: 257 } }, 'limits.concurrency', /256/],
  ['a rate of 0', { limits: { rateLimit: { perSecond: 0 } } }, 'limits.rate_limit.per_second', /0\.001/],
  ['a burst of -1', { limits: { rateLimit: { perSecond: 1, burst: -1 } } }, 'limits.rate_limit.burst', /0/],
  ['a timeout of 99 ms', { timeout: { nanos: 99_000_000 } }, 'timeout', /0\.1/],
  ['a timeout of 301 s', { timeout: seconds(301) }, 'timeout', /300/],
  ['a label that is no name', { labels: { 'a b': 'c' } }, 'labels["a b"]', /pattern|match/],
  [
    'a label named __proto__',
    { labels: JSON.parse('{"__proto__":"x"}') },
    'labels["__proto__"]',
    /pattern|match/,
  ],
  [
    'an event type with a space',
    { eventTypes: ['order.*', 'order paid'] },
    'event_types[1]',
    /letters, digits/,
  ],
  ['an event type with * in the middle', { eventTypes: ['order.*.paid'] }, 'event_types[0]', /at the end/],
  ['an empty event type', { eventTypes: [''] }, 'event_types[0]', /1 to 128/],
  ['an event type twice', { eventTypes: ['*', 'a', '*'] }, 'event_types[2]', /twice/],
  [
    '65 event types',
    { eventTypes: Array.from({ length: 65 }, (_, i) => `type-${i}`) },
    'event_types',
    /at most 64/,
  ],
  ['a filter with a mistake', { eventTypes: ['*'], filter: 'event.type == ' }, 'filter', /./],
  [
    'a filter that is never true or false',
    { eventTypes: ['*'], filter: '1 + 1' },
    'filter',
    /true or false|bool/,
  ],
  ['a filter of no events', { filter: 'event.type == "a"' }, 'filter', /event_types/],
  [
    'an event format that there is not',
    { payload: { eventFormat: 9 as 1 } },
    'payload.event_format',
    /defined/,
  ],
  [
    'a header template with a mistake',
    { payload: { headerTemplates: { 'X-A': '{{ event.id' } } },
    'payload.header_templates["X-A"]',
    /template/,
  ],
  [
    'a header template for a header of our own',
    { payload: { headerTemplates: { 'webhook-id': 'a' } } },
    'payload.header_templates["webhook-id"]',
    /Carillon/,
  ],
  [
    'a payload of 1 MiB and a byte',
    { payload: { body: { case: 'text', value: 'x'.repeat(1024 * 1024 + 1) } } },
    'payload.text',
    /1048576/,
  ],
  [
    'a template with a mistake',
    { payload: { body: { case: 'template', value: 'Hello\n{% if %}{{ x' } } },
    'payload.template',
    /line:2/,
  ],
  [
    'a media type with a line break',
    { payload: { body: { case: 'text', value: 'x' }, contentType: 'text/plain\r\nx: y' } },
    'payload.content_type',
    /media type/,
  ],
  [
    'a charset that is not known',
    { payload: { body: { case: 'text', value: 'x' }, contentType: 'text/plain; charset=koi8-r' } },
    'payload.content_type',
    /names the charset "koi8-r", which is not known/,
  ],
  [
    'a text with a character that its charset has not',
    { payload: { body: { case: 'text', value: '5 €' }, contentType: 'text/plain; charset=iso-8859-1' } },
    'payload.text',
    /U\+20AC/,
  ],
  ['a secret of another kind', { signing: { secret: 'hunter2' } }, 'signing.secret', /whsec_/],
  ['a secret that is too short', { signing: { secret: 'whsec_AAAA' } }, 'signing.secret', /24/],
];

describe('Register refuses', () => {
  const api = sharedApi();
  for (const [what, webhook, field, says] of BAD_WEBHOOKS) {
    it(`${what}, naming ${field}`, async () => {
      const found = await violations(
        api().webhooks.register({ webhook: { ...GOOD, ...webhook } as WebhookInit }),
      );
      assert.deepEqual(Object.keys(found), [`webhook.${field}`]);
      assert.match(found[`webhook.${field}`] ?? '', says);
    });
  }

  it('a request without a webhook', async () => {
    assert.deepEqual(Object.keys(await violations(api().webhooks.register({}))), ['webhook']);
  });

  it('everything that is wrong at once, over every protocol, and writes nothing', async () => {
    const webhook = {
      name: '',
      destination: 'nowhere',
      headers: { host: 'x' },
      limits: { concurrency: -1 },
      payload: { body: { case: 'template', value: '{{' }, contentType: 'x' },
      signing: { secret: 'x' },
      ...cron('61 * * * *', { timeZone: 'Mars', jitter: seconds(-1) } as ScheduleInit),
    } as WebhookInit;
    for (const [protocol, transport] of Object.entries(api().transports)) {
      const found = await violations(createClient(WebhookService, transport).register({ webhook }));
      assert.deepEqual(
        Object.keys(found).sort(),
        [
          'webhook.destination',
          'webhook.headers["host"]',
          'webhook.limits.concurrency',
          'webhook.name',
          'webhook.payload.content_type',
          'webhook.payload.template',
          'webhook.schedule.cron',
          'webhook.schedule.jitter',
          'webhook.schedule.time_zone',
          'webhook.signing.secret',
        ],
        protocol,
      );
    }
    assert.deepEqual((await api().webhooks.list({})).webhooks, []);
  });

  it('a hundred mistakes with an answer that still fits into the headers of gRPC', async () => {
    const labels = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [`not a name ${i} ${'é'.repeat(40)}`, 'x']),
    );
    const error = await refusal(
      createClient(WebhookService, api().transports.grpc).register({ webhook: { ...GOOD, labels } }),
    );
    assert.equal(error.code, Code.InvalidArgument);
    assert.equal(Object.keys(fieldsOf(error)).length, PROBLEMS_MAX);
  });
});

describe('Every other request', () => {
  const api = sharedApi();
  const long = 'x'.repeat(65);
  const webhooks = () => api().webhooks;
  const deliveries = () => createClient(DeliveryService, api().transports.grpc);

  const refused: readonly [what: string, call: () => Promise<unknown>, fields: string[]][] = [
    ['Get without an id', () => webhooks().get({}), ['id']],
    ['Get with an endless id', () => webhooks().get({ id: long }), ['id']],
    ['List with a negative page size', () => webhooks().list({ pageSize: -1 }), ['page_size']],
    ['List with a token that is none', () => webhooks().list({ pageToken: 'x' }), ['page_token']],
    ['List with an unknown view', () => webhooks().list({ view: 77 as 1 }), ['view']],
    ['List with a bad filter', () => webhooks().list({ filter: 'state = 77' }), ['filter']],
    ['List in a bad order', () => webhooks().list({ orderBy: 'state' }), ['order_by']],
    ['Update of nothing', () => webhooks().update({}), ['webhook']],
    ['Update without an id', () => webhooks().update({ webhook: { name: 'x' } }), ['webhook.id']],
    ['Remove of nothing', () => webhooks().remove({}), ['']],
    ['Remove by id and name', () => webhooks().remove({ id: 'x', name: 'y' }), ['']],
    ['Remove by destination alone', () => webhooks().remove({ destination: 'x' }), ['']],
    ['Remove of all with an etag', () => webhooks().remove({ name: 'x', etag: 'y' }), ['etag']],
    ['Pause of nothing', () => webhooks().pause({}), ['']],
    ['Resume of nothing', () => webhooks().resume({}), ['']],
    ['Trigger without an id', () => webhooks().trigger({}), ['id']],
    ['PreviewSchedule of nothing', () => webhooks().previewSchedule({}), ['source']],
    [
      'PreviewSchedule of a bad schedule',
      () =>
        webhooks().previewSchedule({
          count: 101,
          source: { case: 'schedule', value: { when: { case: 'cron', value: 'x' } } },
        }),
      ['count', 'schedule.cron'],
    ],
    [
      'ListDeliveries with a token that is none',
      () => deliveries().listDeliveries({ pageToken: 'x' }),
      ['page_token'],
    ],
    ['GetDelivery without an id', () => deliveries().getDelivery({}), ['id']],
  ];
  for (const [what, call, fields] of refused) {
    it(`is judged too: ${what}`, async () => {
      assert.deepEqual(Object.keys(await violations(call())).sort(), fields);
    });
  }
});
