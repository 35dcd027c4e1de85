import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, createClient } from '@connectrpc/connect';
import {
  type EventSchema,
  EventService,
  type PublishRequestSchema,
} from '../../../gen/carillon/v1/event_pb.ts';
import { EVENT_BYTES_MAX } from '../../../src/domain/event/event.ts';
import { refusal, sharedApi, violations } from '../../support/rpc.ts';
import { T0 } from '../../support/store.ts';

type EventInit = MessageInitShape<typeof EventSchema>;
type PublishInit = MessageInitShape<typeof PublishRequestSchema>;

const DESTINATION = 'http://127.0.0.1:9999/hook';
const DAY_SECONDS = 86_400n;
const text = (value: string) => ({ case: 'text', value }) as const;

describe('Publish', () => {
  const api = sharedApi();
  const publish = (event: EventInit, due?: PublishInit['due']) =>
    api().events.publish({ event, ...(due && { due }) });
  const subscribe = (name: string, eventTypes: string[], rest: object = {}) =>
    api().webhooks.register({ webhook: { name, destination: DESTINATION, eventTypes, ...rest } });

  it('makes a delivery for each webhook that asked for the type, in every protocol', async () => {
    await subscribe('exact', ['fan.out']);
    await subscribe('beginning', ['fan.*']);
    await subscribe('other', ['fan.in', 'fanout']);
    for (const transport of Object.values(api().transports)) {
      const client = createClient(EventService, transport);
      const { id, deliveryCount, duplicate } = await client.publish({
        event: { type: 'fan.out', data: text('hello') },
      });
      assert.match(id, /^evt_[0-9A-Z]{26}$/);
      assert.deepEqual([deliveryCount, duplicate], [2, false]);
    }
  });

  it('is no error when no webhook asked', async () => {
    assert.equal((await publish({ type: 'nobody.asked' })).deliveryCount, 0);
  });

  it('sees a webhook as soon as its registration was answered, and no longer than until its removal was', async () => {
    assert.equal((await publish({ type: 'fresh' })).deliveryCount, 0);
    const { webhook } = await subscribe('fresh', ['fresh']);
    assert.equal((await publish({ type: 'fresh' })).deliveryCount, 1);
    await api().webhooks.remove({ id: webhook?.id ?? '' });
    assert.equal((await publish({ type: 'fresh' })).deliveryCount, 0);
  });

  it('asks the filter of a webhook, and counts the events that it failed on', async () => {
    const { webhook } = await subscribe('rich', ['paid'], { filter: 'event.data.amount > 100' });
    const pay = (json: string) =>
      publish({ type: 'paid', contentType: 'application/json', data: text(json) });
    assert.equal((await pay('{"amount": 101}')).deliveryCount, 1);
    assert.equal((await pay('{"amount": 100}')).deliveryCount, 0);
    assert.equal((await pay('{"amount": "many"}')).deliveryCount, 0);
    const got = await api().webhooks.get({ id: webhook?.id ?? '' });
    assert.equal(got.webhook?.filterFailureCount, 1n);
  });

  it('answers the same id and content with the first event', async () => {
    await subscribe('once', ['once']);
    const event = { id: 'order-1:paid', type: 'once', data: text('a') };
    const first = await publish(event);
    await subscribe('too-late', ['once']);
    const again = await publish(event);
    assert.deepEqual([first.id, first.deliveryCount, first.duplicate], ['order-1:paid', 1, false]);
    assert.deepEqual([again.id, again.deliveryCount, again.duplicate], ['order-1:paid', 1, true]);
  });

  it('refuses the same id with other content', async () => {
    await publish({ id: 'taken', type: 'taken', data: text('a') });
    for (const other of [
      { type: 'taken', data: text('b') },
      { type: 'taken.too', data: text('a') },
      { type: 'taken', data: text('a'), headers: { 'x-a': 'b' } },
    ]) {
      const error = await refusal(publish({ id: 'taken', ...other }));
      assert.equal(error.code, Code.AlreadyExists);
      assert.match(error.rawMessage, /taken.*another id/);
    }
  });

  it('makes one event of an id, however many publish it at once', async () => {
    await subscribe('crowd', ['crowd']);
    const answers = await Promise.all(
      Array.from({ length: 64 }, () => publish({ id: 'crowd-1', type: 'crowd', data: text('a') })),
    );
    assert.equal(answers.filter(({ duplicate }) => !duplicate).length, 1);
    assert.ok(answers.every(({ id, deliveryCount }) => id === 'crowd-1' && deliveryCount === 1));
  });

  it('delivers later when it is asked to', async () => {
    await subscribe('later', ['later']);
    const dueOf = async (id: string) => {
      const { deliveries } = await api().deliveries.listDeliveries({ filter: `event_id = "${id}"` });
      return Number(deliveries[0]?.nextAttemptTime?.seconds) * 1000;
    };
    const now = await publish({ type: 'later' });
    const delay = { case: 'delay', value: { seconds: 90n } } as const;
    const delayed = await publish({ type: 'later' }, delay);
    const at = { case: 'deliverTime', value: { seconds: BigInt(T0 / 1000) + 3600n } } as const;
    const dated = await publish({ type: 'later' }, at);
    const past = { case: 'deliverTime', value: { seconds: 1n } } as const;
    const late = await publish({ type: 'later' }, past);
    const due = await Promise.all([now, delayed, dated, late].map(({ id }) => dueOf(id)));
    assert.deepEqual(due, [T0, T0 + 90_000, T0 + 3_600_000, T0]);
  });

  it('takes data of 1 MiB, and not a byte more', async () => {
    const bytes = (length: number) => ({ case: 'bytes', value: new Uint8Array(length) }) as const;
    await publish({ type: 'large', data: bytes(EVENT_BYTES_MAX) });
    const found = await violations(publish({ type: 'large', data: bytes(EVENT_BYTES_MAX + 1) }));
    assert.match(found['event.bytes'] ?? '', /1048577.*1048576/);
  });

  it('names everything that is wrong at once, in every protocol', async () => {
    const event = {
      id: 'a b',
      type: 'carillon.mine',
      source: 'not a uri',
      subject: '\0',
      data: { case: 'text', value: '{' },
      contentType: 'application/json',
      headers: { Host: 'x' },
    } as const;
    const due = { case: 'delay', value: { seconds: 367n * DAY_SECONDS } } as const;
    for (const transport of Object.values(api().transports)) {
      const found = await violations(createClient(EventService, transport).publish({ event, due }));
      assert.deepEqual(Object.keys(found).sort(), [
        'delay',
        'event.headers["Host"]',
        'event.id',
        'event.source',
        'event.subject',
        'event.text',
        'event.type',
      ]);
      assert.match(found['event.type'] ?? '', /Carillon/);
    }
  });

  const BAD: readonly [what: string, request: PublishInit, field: string, says: RegExp][] = [
    ['no event', { event: undefined as never }, 'event', /required/],
    ['no type', { event: {} }, 'event.type', /1 to 128/],
    ['a type of 129 characters', { event: { type: 'x'.repeat(129) } }, 'event.type', /128/],
    ['an id of 129 characters', { event: { type: 'a', id: 'x'.repeat(129) } }, 'event.id', /128/],
    [
      'a time in the year 20000',
      { event: { type: 'a', time: { seconds: 569_000_000_000n } } },
      'event.time',
      /9999/,
    ],
    [
      'a media type that is none',
      { event: { type: 'a', contentType: 'text' } },
      'event.content_type',
      /media type/,
    ],
    [
      'a media type of 257 characters',
      { event: { type: 'a', contentType: `a/${'b'.repeat(255)}` } },
      'event.content_type',
      /256/,
    ],
    [
      '33 headers',
      {
        event: {
          type: 'a',
          headers: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`x-${i}`, 'a'])),
        },
      },
      'event.headers',
      /32/,
    ],
    [
      'a delivery in 367 days',
      {
        event: { type: 'a' },
        due: { case: 'deliverTime', value: { seconds: BigInt(T0 / 1000) + 367n * DAY_SECONDS } },
      },
      'deliver_time',
      /366 days/,
    ],
    [
      'a negative delay',
      { event: { type: 'a' }, due: { case: 'delay', value: { seconds: -1n } } },
      'delay',
      /negative/,
    ],
    [
      'a delay finer than a millisecond',
      { event: { type: 'a' }, due: { case: 'delay', value: { nanos: 1 } } },
      'delay',
      /milliseconds/,
    ],
  ];
  for (const [what, request, field, says] of BAD) {
    it(`refuses ${what}, naming ${field}`, async () => {
      const found = await violations(api().events.publish(request));
      assert.deepEqual(Object.keys(found), [field]);
      assert.match(found[field] ?? '', says);
    });
  }

  it('is logged with the ids of what it made', async () => {
    const { id } = await publish({ type: 'logged', data: text('secret words') });
    const line = await api().line(({ fields }) => fields.eventId === id);
    assert.deepEqual(
      [line.fields.rpc, line.fields.eventType, line.fields.deliveries, line.fields.namespace],
      ['carillon.v1.EventService/Publish', 'logged', 0, 'default'],
    );
    assert.ok(!JSON.stringify(api().lines).includes('secret words'));
  });
});
