import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Event } from '../../src/domain/event/event.ts';
import { noProblems } from '../../src/domain/problems.ts';
import type { AskedPayload } from '../../src/domain/webhook/asked.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { openPipeline, type Pipeline, until } from '../support/pipeline.ts';
import { openReceiver, status } from '../support/receiver.ts';
import { TOGETHER } from '../support/together.ts';

const NAMED: Partial<Event> = { type: 'order.paid', contentType: 'application/json' };
const BROKEN: AskedPayload = { headerTemplates: { 'x-name': '{{ event.data.name }}' } };
const MENDED: AskedPayload = { headerTemplates: { 'x-name': '{{ event.data.name | percent_encode }}' } };
/** As publishing leaves it where templates fail. */
const UNMADE = { event: NAMED, delivery: { format: 'ENVELOPE', toRender: true } } as const;

/** Changes what was asked for a webhook. */
async function change(pipeline: Pipeline, webhook: Webhook, spec: Partial<Webhook['spec']>): Promise<void> {
  await pipeline.control.webhooks.update({ namespace: webhook.namespace, id: webhook.id }, (found) => ({
    spec: { ...found.spec, ...spec },
    touched: new Set(Object.keys(spec)),
    problems: noProblems(),
  }));
}

describe('a delivery that could not be rendered', TOGETHER, () => {
  it('is FAILED with the reason RENDER and the message, announced, logged, and no attempt', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({ destination: receiver.url, payload: BROKEN });
    const [id] = await pipeline.publish(webhook, ['{"name":"漢"}'], UNMADE);
    await pipeline.finished(webhook);
    const { state, reason, message, attemptCount, attempts } = await pipeline.delivery(id!);
    assert.deepEqual([state, reason, attemptCount, attempts], ['FAILED', 'RENDER', 0, []]);
    assert.match(
      message!,
      /^the header x-name has a value with characters that a header cannot carry: .*percent_encode/,
    );
    assert.equal(receiver.requests.length, 0);
    const [told] = await until(() => (pipeline.news.length > 0 ? pipeline.news : undefined));
    assert.equal(told?.type, 'carillon.delivery.failed');
    assert.deepEqual([told.reason, told.message, told.delivery.id], ['RENDER', message, id]);
    const line = pipeline.lines.find(({ fields }) => fields.deliveryId === id);
    assert.equal(line?.level, 'error');
    assert.equal(line.fields.reason, 'RENDER');
  });

  it('goes out when it is retried after its template was mended, with the same bytes in each attempt', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({ destination: receiver.url, payload: BROKEN });
    const [id] = await pipeline.publish(webhook, ['{"name":"漢"}'], UNMADE);
    await pipeline.finished(webhook);
    await pipeline.control.deliveries.retry('default', id!);
    await pipeline.finished(webhook);
    assert.equal((await pipeline.delivery(id!)).reason, 'RENDER');

    const template = '{"of": {{ event.data.name | json }}, "by": {{ webhook.name | json }}}';
    const body = { kind: 'template', source: template } as const;
    await change(pipeline, webhook, { payload: { ...MENDED, body, contentType: 'application/json' } });
    receiver.script(status(500));
    await pipeline.control.deliveries.retry('default', id!);
    const requests = await receiver.received(2);
    for (const { headers, body: sent } of requests) {
      assert.deepEqual([headers['webhook-id'], headers['x-name']], [id, '%E6%BC%A2']);
      assert.deepEqual(JSON.parse(sent.toString()), { of: '漢', by: webhook.spec.name });
    }
    await pipeline.finished(webhook);
    const { state, reason, message } = await pipeline.delivery(id!);
    assert.deepEqual([state, reason, message], ['SUCCEEDED', undefined, undefined]);
  });

  it('goes out at its turn if the template was mended before', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({ destination: receiver.url, payload: MENDED });
    await pipeline.publish(webhook, ['{"name":"a b"}'], UNMADE);
    const [request] = await receiver.received(1);
    assert.equal(request!.headers['x-name'], 'a%20b');
  });

  it('is made once, as of its publication, however its template is changed between attempts', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(status(500));
    const asked = (source: string) => ({ payload: { body: { kind: 'template', source } as const } });
    const retryPolicy = { delaysMs: [100], maxAttempts: 100, jitter: 0 };
    const webhook = await pipeline.register({
      destination: receiver.url,
      retryPolicy,
      ...asked('{{ now }}'),
    });
    const event = { ...NAMED, createdAt: Date.UTC(2026, 0, 2) };
    await pipeline.publish(webhook, ['{}'], { ...UNMADE, event });
    await receiver.received(1);
    await change(pipeline, webhook, asked('another'));
    receiver.answer(status(200));
    await pipeline.finished(webhook);
    assert.ok(receiver.requests.length > 1);
    const bodies = new Set(receiver.requests.map(({ body }) => body.toString()));
    assert.deepEqual(bodies, new Set(['2026-01-02T00:00:00.000Z']));
  });

  it('is a run too, which is made anew when it is retried', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const payload = {
      contentType: 'application/json',
      body: { kind: 'template', source: '{{ run.manual }}}' },
    } as const;
    const webhook = await pipeline.register({ destination: receiver.url, payload });
    const nominalAt = Date.UTC(2026, 0, 2, 3, 4, 5);
    const event = { type: 'carillon.run', contentType: '', nominalAt };
    const [id] = await pipeline.publish(webhook, [''], {
      event,
      delivery: { format: 'RENDERED', toRender: true },
    });
    await pipeline.finished(webhook);
    const { message } = await pipeline.delivery(id!);
    assert.match(message!, /^the body that the template made is not JSON, as its content type says/);

    const source = '{"at": {{ run.scheduled_at | json }}}';
    await change(pipeline, webhook, { payload: { ...payload, body: { kind: 'template', source } } });
    await pipeline.control.deliveries.retry('default', id!);
    const [request] = await receiver.received(1);
    assert.equal(request!.body.toString(), '{"at": "2026-01-02T03:04:05.000Z"}');
  });

  it('does not hold back what comes after it in an ordered lane', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const limits = { ordered: true };
    const webhook = await pipeline.register({ destination: receiver.url, payload: BROKEN, limits });
    await pipeline.publish(webhook, ['{"name":"漢"}'], UNMADE);
    await pipeline.publish(webhook, ['{"name":"b"}', '{"name":"c"}'], UNMADE);
    const requests = await receiver.received(2);
    assert.deepEqual(
      requests.map(({ headers }) => headers['x-name']),
      ['b', 'c'],
    );
    const states = (await pipeline.finished(webhook)).map(({ state }) => state);
    assert.deepEqual(states, ['FAILED', 'SUCCEEDED', 'SUCCEEDED']);
  });

  it('is one whose headers would be more than receivers take', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const headers = { 'x-webhook': 'w'.repeat(4_000) };
    const webhook = await pipeline.register({ destination: receiver.url, headers });
    const event = { ...NAMED, headers: { 'x-event': 'e'.repeat(4_000) } };
    const [id] = await pipeline.publish(webhook, ['{}'], { event });
    await pipeline.finished(webhook);
    const { state, reason, message } = await pipeline.delivery(id!);
    assert.deepEqual([state, reason], ['FAILED', 'RENDER']);
    assert.match(message!, /^the request would have about 8\d\d\d bytes of headers, .*receivers take 8192$/);

    await change(pipeline, webhook, { headers: {} });
    await pipeline.control.deliveries.retry('default', id!);
    const [request] = await receiver.received(1);
    assert.equal(request!.headers['x-event'], event.headers['x-event']);
  });

  it('is one with more headers than receivers take', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const many = (prefix: string) =>
      Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`x-${prefix}-${i}`, '1']));
    const webhook = await pipeline.register({ destination: receiver.url, headers: many('w') });
    const delivery = { rendered: { headers: many('t') } };
    await pipeline.publish(webhook, ['{}'], { event: { ...NAMED, headers: many('e') }, delivery });
    const [failed] = await pipeline.finished(webhook);
    assert.match(failed!.message!, /receivers take 100$/);
  });
});

describe('a header that is the webhook’s own', () => {
  const own = (token: string) => ({
    labels: { token },
    payload: {
      headerTemplates: {
        authorization: 'Bearer {{ webhook.labels.token }}',
        'x-order': '{{ event.data.order }}',
      },
    },
  });
  const ORDER = {
    event: NAMED,
    delivery: { format: 'ENVELOPE', rendered: { headers: { 'x-order': '7' } } },
  } as const;

  it('reaches the retry of what was published before it was changed', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(status(401));
    const retryPolicy = { delaysMs: [100], maxAttempts: 100, jitter: 0 };
    const webhook = await pipeline.register({ destination: receiver.url, retryPolicy, ...own('old') });
    await pipeline.publish(webhook, ['{"order":7}'], ORDER);
    const [first] = await receiver.received(1);
    assert.equal(first!.headers.authorization, 'Bearer old');
    await change(pipeline, webhook, own('new'));
    receiver.answer(status(200));
    await pipeline.finished(webhook);
    const last = receiver.requests.at(-1)!;
    assert.equal(last.headers.authorization, 'Bearer new');
    assert.equal(last.headers['x-order'], '7');
    assert.deepEqual(last.body, first!.body);
  });

  it('reaches what waited, and RetryDelivery', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(status(401));
    const retryPolicy = { maxAttempts: 1 };
    const webhook = await pipeline.register({ destination: receiver.url, retryPolicy, ...own('old') });
    const [id] = await pipeline.publish(webhook, ['{"order":7}'], ORDER);
    await pipeline.finished(webhook);
    await pipeline.control.webhooks.pause({ namespace: 'default', id: webhook.id });
    await pipeline.publish(webhook, ['{"order":7}'], ORDER);
    await change(pipeline, webhook, own('new'));
    receiver.answer(status(200));
    await pipeline.control.deliveries.retry('default', id!);
    await pipeline.control.webhooks.resume({ namespace: 'default', id: webhook.id });
    const [, ...later] = await receiver.received(3);
    assert.deepEqual(
      later.map(({ headers }) => [headers.authorization, headers['x-order']]),
      [
        ['Bearer new', '7'],
        ['Bearer new', '7'],
      ],
    );
  });

  it('goes before one that an earlier version made for the delivery, and before the event’s', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({ destination: receiver.url, ...own('now') });
    const rendered = { headers: { authorization: 'Bearer then', 'x-order': '7' } };
    const event = { ...NAMED, headers: { authorization: 'Bearer event' } };
    await pipeline.publish(webhook, ['{}'], { event, delivery: { format: 'ENVELOPE', rendered } });
    const [request] = await receiver.received(1);
    assert.equal(request!.headers.authorization, 'Bearer now');
  });

  it('is made of the event from then on where its template reads that now, for what waits too', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const headerTemplates = { authorization: 'Bearer {{ webhook.name }} {{ event.type }}' };
    const webhook = await pipeline.register({ destination: receiver.url, payload: { headerTemplates } });
    // As it was published when the template read the webhook alone.
    await pipeline.publish(webhook, ['{}'], { event: NAMED, delivery: { format: 'ENVELOPE' } });
    const [request] = await receiver.received(1);
    assert.equal(request!.headers.authorization, `Bearer ${webhook.spec.name} order.paid`);
  });

  it('that is newer than the event leaves those that were made of it as they are', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const headerTemplates = { 'x-kept': 'now {{ event.type }}', 'x-newer': 'now {{ event.type }}' };
    const webhook = await pipeline.register({ destination: receiver.url, payload: { headerTemplates } });
    const rendered = { headers: { 'x-kept': 'then order.paid' } };
    await pipeline.publish(webhook, ['{}'], { event: NAMED, delivery: { format: 'ENVELOPE', rendered } });
    const [request] = await receiver.received(1);
    const { 'x-kept': kept, 'x-newer': newer } = request!.headers;
    assert.deepEqual([kept, newer], ['then order.paid', 'now order.paid']);
  });
});
