import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromJson, type JsonValue, type MessageInitShape } from '@bufbuild/protobuf';
import { ValueSchema } from '@bufbuild/protobuf/wkt';
import { Code, createClient } from '@connectrpc/connect';
import { type Event, type EventSchema, EventService } from '../../../gen/carillon/v1/event_pb.ts';
import { refusal, sharedApi, violations } from '../../support/rpc.ts';
import { T0 } from '../../support/store.ts';

type EventInit = MessageInitShape<typeof EventSchema>;

const DESTINATION = 'http://127.0.0.1:9999/hook';
const JSON_TYPE = 'application/json';
const json = (value: JsonValue) => ({ case: 'json', value: fromJson(ValueSchema, value) }) as const;
const text = (value: string) => ({ case: 'text', value }) as const;
const bytes = (...value: number[]) => ({ case: 'bytes', value: new Uint8Array(value) }) as const;

describe('GetEvent', () => {
  const api = sharedApi();
  const publish = async (event: EventInit) => (await api().events.publish({ event })).id;
  const get = async (id: string) => (await api().events.getEvent({ id })).event;
  /** What is read back of data, in every protocol. */
  async function back(event: Omit<EventInit, '$typeName'>): Promise<Event['data']> {
    const id = await publish({ type: 'data', ...event } as EventInit);
    const all = [];
    for (const transport of Object.values(api().transports)) {
      all.push((await createClient(EventService, transport).getEvent({ id })).event?.data);
    }
    for (const each of all) assert.deepEqual(each, all[0]);
    assert.ok(all[0]);
    return all[0];
  }

  it('shows an event as it was published', async () => {
    const id = await publish({
      id: 'whole-1',
      type: 'whole',
      source: '/shop',
      subject: 'order 7',
      time: { seconds: 1_700_000_000n, nanos: 5_000_000 },
      data: text('héllo'),
      headers: { 'X-Team': 'a' },
      extensions: { traceparent: '00-ü' },
    });
    const event = await get(id);
    assert.deepEqual(
      [event?.id, event?.namespace, event?.type, event?.source, event?.subject, event?.contentType],
      ['whole-1', 'default', 'whole', '/shop', 'order 7', 'text/plain; charset=utf-8'],
    );
    assert.deepEqual([event?.time?.seconds, event?.time?.nanos], [1_700_000_000n, 5_000_000]);
    assert.deepEqual([event?.headers, event?.data], [{ 'x-team': 'a' }, text('héllo')]);
    assert.deepEqual(event?.extensions, { traceparent: '00-ü' });
    assert.deepEqual([Number(event?.createTime?.seconds) * 1000, event?.purged], [T0, false]);
  });

  it('shows text as it was published, in whatever charset it is kept', async () => {
    for (const charset of ['iso-8859-1', 'utf-16le', 'utf-16be']) {
      const id = await publish({
        type: 'a',
        contentType: `text/plain; charset=${charset}`,
        data: text('Grüße'),
      });
      assert.deepEqual((await get(id))?.data, text('Grüße'), charset);
    }
  });

  it('says when an event that named no time happened, and how many deliveries there are of it', async () => {
    await api().webhooks.register({
      webhook: { name: 'a', destination: DESTINATION, eventTypes: ['timeless'] },
    });
    const { event, deliveryCount } = await api().events.getEvent({ id: await publish({ type: 'timeless' }) });
    assert.deepEqual([Number(event?.time?.seconds) * 1000, deliveryCount], [T0, 1]);
  });

  it('answers with json where that gives the same bytes again', async () => {
    for (const value of [
      null,
      true,
      1.5,
      '',
      'a\u2028"\0',
      [],
      {},
      { b: [1, { a: null }], a: '' },
      { __proto__: 1 },
    ]) {
      assert.deepEqual(await back({ data: json(value as JsonValue) }), json(value as JsonValue));
    }
    assert.deepEqual(await back({ data: text('{"a":[1,2]}'), contentType: JSON_TYPE }), json({ a: [1, 2] }));
    assert.deepEqual(await back({ data: bytes(0x31), contentType: 'application/x+json' }), json(1));
  });

  it('answers with text where JSON would change by becoming a Value', async () => {
    const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    for (const whole of [
      '9007199254740993',
      '1.0',
      '-0',
      '{"a":1,"a":2}',
      '{ "a": 1 }',
      '{"b":1,"1":2}',
      '"\\ud800"',
      '"\\u00e9"',
      deep(33),
      deep(5000),
    ]) {
      assert.deepEqual(await back({ data: text(whole), contentType: JSON_TYPE }), text(whole));
    }
    assert.equal((await back({ data: text(deep(32)), contentType: JSON_TYPE })).case, 'json');
  });

  it('answers with text as it was, and with bytes where they are none', async () => {
    assert.deepEqual(await back({ data: text('\ufeffa\0b\r\n') }), text('\ufeffa\0b\r\n'));
    assert.deepEqual(await back({ data: bytes(0x61), contentType: 'text/plain' }), text('a'));
    assert.deepEqual(await back({ data: bytes(0xff), contentType: 'text/plain' }), bytes(0xff));
    assert.deepEqual(await back({ data: bytes(0xff), contentType: JSON_TYPE }), bytes(0xff));
    assert.deepEqual(await back({ data: bytes(0x61) }), bytes(0x61));
    assert.deepEqual(await back({ data: text('') }), { case: undefined });
    assert.deepEqual(await back({}), { case: undefined });
  });

  it('is NOT_FOUND for what there is not', async () => {
    const error = await refusal(get('nothing'));
    assert.deepEqual([error.code, error.rawMessage], [Code.NotFound, 'there is no event nothing']);
    assert.deepEqual(Object.keys(await violations(get(''))), ['id']);
    const elsewhere = await refusal(api().events.getEvent({ id: 'a', namespace: 'acme' }));
    assert.deepEqual([elsewhere.code, elsewhere.rawMessage], [Code.NotFound, 'there is no namespace acme']);
  });
});

describe('JSON data', () => {
  const api = sharedApi();

  it('is refused where JSON or protobuf has no place for it', async () => {
    const deep = (levels: number): JsonValue => (levels === 0 ? 1 : { a: deep(levels - 1) });
    const client = (name: 'connect' | 'grpc') => createClient(EventService, api().transports[name]);
    await client('grpc').publish({ event: { type: 'a', data: json(deep(32)) } });
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const data = { case: 'json', value: { kind: { case: 'numberValue', value } } } as const;
      const found = await violations(client('connect').publish({ event: { type: 'a', data } }));
      assert.deepEqual(Object.keys(found), ['event.json']);
    }
    const unset = { case: 'json', value: {} } as const;
    const found = await violations(client('connect').publish({ event: { type: 'a', data: unset } }));
    assert.match(found['event.json'] ?? '', /not set/);
    let list: JsonValue = [];
    for (let i = 0; i < 32; i++) list = [list];
    const tooDeep = await violations(client('connect').publish({ event: { type: 'a', data: json(list) } }));
    assert.match(tooDeep['event.json'] ?? '', /deeper than 32/);
  });
});

describe('ListEvents', () => {
  const api = sharedApi();
  const types = async (query: object) =>
    (await api().events.listEvents(query)).events.map(({ type }) => type);

  it('lists by type and by time, newest first, without data', async () => {
    for (const type of ['list.a', 'list.b', 'listed', 'list.a']) {
      api().clock.advance(1000);
      await api().events.publish({ event: { type, data: text('secret') } });
    }
    const at = (s: number) => new Date(T0 + s * 1000).toISOString();
    assert.deepEqual(await types({}), ['list.a', 'listed', 'list.b', 'list.a']);
    assert.deepEqual(await types({ filter: 'type = *' }), ['list.a', 'listed', 'list.b', 'list.a']);
    assert.deepEqual(await types({ filter: 'type = list.*' }), ['list.a', 'list.b', 'list.a']);
    assert.deepEqual(await types({ filter: 'type = list.a' }), ['list.a', 'list.a']);
    const between = `create_time >= ${at(2)} AND create_time < ${at(4)}`;
    assert.deepEqual(await types({ filter: between }), ['listed', 'list.b']);
    assert.deepEqual(await types({ filter: between, orderBy: 'create_time' }), ['list.b', 'listed']);
    assert.deepEqual(await types({ filter: 'type = listed OR type = list.b' }), ['listed', 'list.b']);
    assert.deepEqual(await types({ filter: 'NOT type = list.* AND purged = false' }), ['listed']);
    const { events } = await api().events.listEvents({});
    assert.ok(events.every(({ data }) => data.case === undefined));
  });

  it('answers page by page, with tokens that are good for the same query', async () => {
    const publish = (subject: string) => {
      api().clock.advance(1);
      return api().events.publish({ event: { type: 'paged', subject } });
    };
    for (let i = 0; i < 5; i++) await publish(`${i}`);
    const query = { filter: 'type = paged', pageSize: 2 };
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await api().events.listEvents({ ...query, pageToken });
      seen.push(...page.events.map(({ subject }) => subject));
      pageToken = page.nextPageToken;
      if (seen.length === 2) await publish('new');
    } while (pageToken !== '');
    assert.deepEqual(seen, ['4', '3', '2', '1', '0']);
    const { nextPageToken } = await api().events.listEvents(query);
    for (const other of [{ filter: 'type = paged.*' }, { ...query, orderBy: 'create_time' }, {}]) {
      const found = await violations(api().events.listEvents({ ...other, pageToken: nextPageToken }));
      assert.deepEqual(Object.keys(found), ['page_token']);
    }
  });

  it('names what it does not understand', async () => {
    const found = await violations(
      api().events.listEvents({
        filter: 'type = or*er',
        orderBy: 'colour',
      }),
    );
    assert.deepEqual(Object.keys(found).sort(), ['filter', 'order_by']);
  });
});

describe('PurgeEvent', () => {
  const api = sharedApi();

  it('erases data, and cancels what waits', async () => {
    for (const name of ['one', 'two']) {
      await api().webhooks.register({ webhook: { name, destination: DESTINATION, eventTypes: ['private'] } });
    }
    await api().events.publish({ event: { id: 'private-1', type: 'private', data: text('my address') } });
    assert.equal((await api().events.purgeEvent({ id: 'private-1' })).cancelledCount, 2);
    const { event } = await api().events.getEvent({ id: 'private-1' });
    assert.deepEqual([event?.purged, event?.data.case, event?.type], [true, undefined, 'private']);
    assert.equal((await refusal(api().events.purgeEvent({ id: 'nothing' }))).code, Code.NotFound);
  });
});
