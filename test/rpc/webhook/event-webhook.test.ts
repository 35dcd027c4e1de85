import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import {
  Payload_EventFormat as EventFormat,
  PayloadSchema,
  type WebhookSchema,
  WebhookService,
  WebhookView,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import { sharedApi, violations } from '../../support/rpc.ts';

type WebhookInit = Exclude<MessageInitShape<typeof WebhookSchema>, { $typeName: string }>;

const EVERY_MINUTE = { when: { case: 'every', value: { seconds: 60n } } } as const;

describe('A webhook that events ring', () => {
  const api = sharedApi();
  let count = 0;
  const register = async (webhook: WebhookInit) => {
    const name = `hook-${++count}`;
    const destination = `http://127.0.0.1:9999/${name}`;
    const made = await api().webhooks.register({ webhook: { name, destination, ...webhook } });
    assert.ok(made.webhook);
    return made.webhook;
  };
  const update = async (webhook: WebhookInit, ...paths: string[]) => {
    const answer = await api().webhooks.update({ webhook, updateMask: { paths } });
    assert.ok(answer.webhook);
    return answer.webhook;
  };

  it('is shown as it was registered, in every protocol', async () => {
    const asked = {
      eventTypes: ['order.*', 'refund'] as string[],
      filter: 'event.data.amount > 100',
      payload: {
        body: { case: 'template', value: '{{ event.type }}' },
        contentType: 'text/plain',
        eventFormat: EventFormat.RAW,
        headerTemplates: { 'X-Order': '{{ event.subject }}' },
      },
    } as const;
    const { id } = await register(asked);
    for (const transport of Object.values(api().transports)) {
      const { webhook } = await createClient(WebhookService, transport).get({ id });
      assert.deepEqual([webhook?.eventTypes, webhook?.filter], [asked.eventTypes, asked.filter]);
      assert.deepEqual(webhook?.payload, create(PayloadSchema, asked.payload));
      assert.equal(webhook.filterFailureCount, 0n);
    }
  });

  it('has no schedule, no runs, and nothing to preview, but can be triggered', async () => {
    const { id, schedule, nextRunTime } = await register({ eventTypes: ['*'] });
    assert.deepEqual([schedule, nextRunTime], [undefined, undefined]);
    const { runTimes } = await api().webhooks.previewSchedule({ source: { case: 'id', value: id } });
    assert.deepEqual(runTimes, []);
    assert.match((await api().webhooks.trigger({ id })).deliveryId, /^msg_/);
    const paused = await api().webhooks.pause({ id });
    const resumed = await api().webhooks.resume({ id });
    assert.deepEqual([paused.webhook?.schedule, resumed.webhook?.schedule], [undefined, undefined]);
  });

  it('can have a schedule too', async () => {
    const { schedule, nextRunTime } = await register({ eventTypes: ['*'], schedule: EVERY_MINUTE });
    assert.equal(schedule?.when.case, 'every');
    assert.ok(nextRunTime);
  });

  it('changes nothing when it is registered again', async () => {
    const asked = { eventTypes: ['a', 'b'], filter: 'true', payload: { eventFormat: EventFormat.RAW } };
    const first = await register(asked);
    const { webhook, created } = await api().webhooks.register({
      webhook: { name: first.name, destination: first.destination, ...asked },
    });
    assert.deepEqual([webhook?.etag, created], [first.etag, false]);
    const { webhook: other } = await api().webhooks.register({
      webhook: { name: first.name, destination: first.destination, ...asked, eventTypes: ['a'] },
    });
    assert.notEqual(other?.etag, first.etag);
  });

  it('may have a payload that has no body, which comes back as it was given', async () => {
    const raw = await register({ eventTypes: ['*'], payload: { eventFormat: EventFormat.RAW } });
    assert.deepEqual(raw.payload, create(PayloadSchema, { eventFormat: EventFormat.RAW }));
    const templates = { 'x-a': 'b' };
    const headers = await register({ eventTypes: ['*'], payload: { headerTemplates: templates } });
    assert.deepEqual(headers.payload, create(PayloadSchema, { headerTemplates: templates }));
    for (const payload of [{}, { contentType: 'text/html' }, { eventFormat: EventFormat.ENVELOPE }]) {
      assert.deepEqual(
        (await register({ eventTypes: ['*'], payload })).payload,
        create(PayloadSchema, payload),
      );
    }
  });

  it('gets other event types, filter and format by Update, as they are named', async () => {
    const made = await register({ eventTypes: ['a'], filter: 'true' });
    const types = await update({ id: made.id, eventTypes: ['b', 'c.*'], filter: 'false' }, 'event_types');
    assert.deepEqual([types.eventTypes, types.filter, types.schedule], [['b', 'c.*'], 'true', undefined]);
    const filter = await update({ id: made.id, filter: 'event.type == "b"' }, 'filter');
    assert.deepEqual([filter.eventTypes, filter.filter], [['b', 'c.*'], 'event.type == "b"']);
    const format = await update(
      { id: made.id, payload: { eventFormat: EventFormat.CLOUDEVENTS_BINARY } },
      'payload.event_format',
    );
    assert.equal(format.payload?.eventFormat, EventFormat.CLOUDEVENTS_BINARY);
    const headers = await update(
      { id: made.id, payload: { headerTemplates: { 'x-a': '{{ event.id }}' } } },
      'payload.header_templates',
    );
    assert.deepEqual(
      [headers.payload?.eventFormat, headers.payload?.headerTemplates],
      [EventFormat.CLOUDEVENTS_BINARY, { 'x-a': '{{ event.id }}' }],
    );
  });

  it('keeps its schedule when it gets event types, and cannot lose the last of either', async () => {
    const scheduled = await register({ schedule: EVERY_MINUTE });
    const both = await update({ id: scheduled.id, eventTypes: ['a'] }, 'event_types');
    assert.equal(both.schedule?.when.value?.toString(), scheduled.schedule?.when.value?.toString());
    assert.deepEqual(both.nextRunTime, scheduled.nextRunTime);
    const unscheduled = await update({ id: scheduled.id }, 'schedule');
    assert.deepEqual([unscheduled.schedule, unscheduled.nextRunTime], [undefined, undefined]);
    const { name, destination } = both;
    for (const call of [
      update({ id: scheduled.id }, 'event_types'),
      api().webhooks.register({ webhook: { name, destination } }),
      api().webhooks.register({ webhook: { name, destination }, validateOnly: true }),
    ]) {
      const refused = await violations(call);
      assert.match(refused['webhook.event_types'] ?? '', /is the last that makes it ring/);
    }
    const back = await update(
      { id: scheduled.id, schedule: EVERY_MINUTE, eventTypes: [] },
      'schedule',
      'event_types',
    );
    assert.ok(back.nextRunTime);
    const refused = await violations(update({ id: scheduled.id }, 'schedule'));
    assert.deepEqual(Object.keys(refused), ['webhook.schedule']);
  });

  it('comes back as it was given: zone, header case, what is unset', async () => {
    const given = {
      eventTypes: ['a'],
      schedule: { when: { case: 'cron', value: '0 9 * * *' }, timeZone: 'Europe/Kyiv' },
      headers: { 'X-Team': 'a' },
    } as const;
    const webhook = await register({ ...given, eventTypes: ['a'] });
    assert.deepEqual(webhook.headers, { 'X-Team': 'a' });
    assert.equal(webhook.schedule?.timeZone, 'Europe/Kyiv');
    assert.equal(webhook.schedule?.catchupWindow, undefined);
    assert.equal(webhook.effective?.schedule?.catchupWindow?.seconds, 3600n);
  });

  it('says in a list what applies only when it is asked to', async () => {
    const { name } = await register({ eventTypes: ['a'] });
    const [basic] = (await api().webhooks.list({ filter: `name = ${name}` })).webhooks;
    assert.equal(basic?.effective, undefined);
    const [full] = (await api().webhooks.list({ filter: `name = ${name}`, view: WebhookView.FULL })).webhooks;
    assert.equal(full?.effective?.timeout?.seconds, 15n);
  });

  it('is not changed to what Register would refuse', async () => {
    const { id } = await register({ eventTypes: ['a'], filter: 'true' });
    const found = await violations(
      update(
        { id, eventTypes: ['a b'], filter: '1 +', payload: { headerTemplates: { host: '{{' } } },
        'event_types',
        'filter',
        'payload',
      ),
    );
    assert.deepEqual(Object.keys(found).sort(), [
      'webhook.event_types[0]',
      'webhook.filter',
      'webhook.payload.header_templates["host"]',
    ]);
    const without = await violations(update({ id }, 'event_types'));
    assert.match(without['webhook.filter'] ?? '', /event_types/);
  });
});
