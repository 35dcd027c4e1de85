import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectCall, type Json } from '../support/call.ts';
import { blockOf, blocksOf, rowsOf } from '../support/docs.ts';
import { openReceiver, type ReceivedRequest } from '../support/receiver.ts';
import { startCarillon } from '../support/server.ts';

const PAGE = 'docs/payloads.md';

describe('the page about payloads', () => {
  it('shows the requests that its webhooks get of its event', async (t) => {
    await using receiver = await openReceiver();
    await using carillon = await startCarillon({ command: 'dev' });
    const call = connectCall(carillon.url);
    const webhooks = blocksOf(PAGE).filter(({ kind }) => kind === 'webhook');
    assert.ok(webhooks.length >= 5);
    for (const { name, text } of webhooks) {
      const webhook = { name, destination: `${receiver.url}/${name}`, ...(JSON.parse(text) as Json) };
      await call('WebhookService/Register', { webhook });
    }
    await call('EventService/Publish', { event: JSON.parse(blockOf(PAGE, 'event', 'order')) });
    const requests = await receiver.received(webhooks.length);
    for (const { name } of webhooks) {
      await t.test(name, () => {
        const request = requests.find(({ path }) => path === `/${name}`);
        const { headers, body } = shown(blockOf(PAGE, 'request', name));
        assert.equal(request?.body.toString(), body);
        for (const [header, value] of headers) assert.equal(request?.headers[header], value, header);
        const extra = Object.keys(request!.headers).filter((header) => /^(ce|x)-/.test(header));
        assert.deepEqual(
          new Set(extra),
          new Set([...headers.keys()].filter((header) => /^(ce|x)-/.test(header))),
        );
      });
    }
  });

  it('says what data becomes', async () => {
    await using receiver = await openReceiver();
    await using carillon = await startCarillon({ command: 'dev' });
    const call = connectCall(carillon.url);
    const formats = ['EVENT_FORMAT_RAW', 'EVENT_FORMAT_ENVELOPE', 'EVENT_FORMAT_CLOUDEVENTS_STRUCTURED'];
    for (const eventFormat of formats) {
      const destination = `${receiver.url}/${eventFormat}`;
      const webhook = { name: eventFormat, destination, eventTypes: ['*'], payload: { eventFormat } };
      await call('WebhookService/Register', { webhook });
    }
    const rows = rowsOf(blockOf(PAGE, 'data', 'kinds'));
    assert.ok(rows.length >= 6);
    for (const [i, [published = '', contentType, enveloped = '', structured = '']] of rows.entries()) {
      const type = `row.${i}`;
      await call('EventService/Publish', { event: { type, ...(JSON.parse(published) as Json) } });
      const arrived = (await receiver.received(formats.length * (i + 1))).slice(formats.length * i);
      const [raw, envelope, cloudEvent] = formats.map((format) => at(arrived, `/${format}`));
      assert.equal(raw?.headers['content-type'], contentType, published);
      assert.match(envelope!.body.toString(), /^\{"type":"row\.\d","timestamp":"[^"]+","data":.*\}$/);
      assert.ok(envelope!.body.toString().endsWith(`,${enveloped}}`), `${published}: ${envelope!.body}`);
      assert.ok(
        cloudEvent!.body.toString().endsWith(structured === '' ? '"}' : `,${structured}}`),
        published,
      );
      assert.equal(structured === '', !/"data/.test(cloudEvent!.body.toString()), published);
    }
  });
});

function at(requests: readonly ReceivedRequest[], path: string): ReceivedRequest | undefined {
  return requests.find((request) => request.path === path);
}

/** A request as the page writes it: some of its headers, an empty line, and its body without a line break. */
function shown(text: string): { headers: Map<string, string>; body: string } {
  const [head = '', body = ''] = text.split(/\n\n([\s\S]*)\n$/);
  const headers = head.split('\n').map((line): [string, string] => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
  return { headers: new Map(headers), body };
}
