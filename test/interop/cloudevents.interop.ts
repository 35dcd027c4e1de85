import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connectCall } from '../support/call.ts';
import { openReceiver } from '../support/receiver.ts';
import { startCarillon } from '../support/server.ts';
import { output, TOOLS } from './tool.ts';

const PROGRAM = join(import.meta.dirname, 'python/cloudevents_read.py');

type Attributes = Record<'id' | 'source' | 'type' | 'subject' | 'tenant', string | null>;
interface Read {
  readonly core: Attributes;
  /** The API of version 1, which does not decode headers. */
  readonly v1: Attributes;
  /** In milliseconds since 1970. */
  readonly time: number;
  readonly data: unknown;
}

const FORGED = '{"specversion":"1.0","id":"forged","source":"/elsewhere","type":"order.refunded"}';

/** What is published, and what a receiver is to have for data. */
const EVENTS: readonly (readonly [string, object, unknown])[] = [
  ['JSON', { json: { text: 'Grüße "😀" \n\0', n: 1.5 } }, { text: 'Grüße "😀" \n\0', n: 1.5 }],
  ['text', { text: 'Grüße "😀"\n' }, 'Grüße "😀"\n'],
  ['bytes', { bytes: 'AAEC/w==' }, 'AAEC/w=='],
  [
    'data that is a CloudEvent itself',
    { text: FORGED, contentType: 'application/cloudevents+json' },
    JSON.parse(FORGED),
  ],
];
const ATTRIBUTES = { source: '/shop/%C3%A9', type: 'order.paid', subject: 'Zoë 100% "a" 😀' };
const EXTENSIONS = { tenant: 'Bücher & Grüße 5%' };

describe('the CloudEvents SDK for Python', () => {
  for (const mode of ['BINARY', 'STRUCTURED'] as const) {
    it(`reads every event as it was published, sent ${mode}`, async () => {
      await using receiver = await openReceiver();
      await using carillon = await startCarillon({ command: 'dev' });
      const call = connectCall(carillon.url);
      const payload = { eventFormat: `EVENT_FORMAT_CLOUDEVENTS_${mode}` };
      const webhook = { name: 'sdk', destination: receiver.url, eventTypes: ['*'], payload };
      await call('WebhookService/Register', { webhook: { ...webhook, limits: { ordered: true } } });
      for (const [place, [, data]] of EVENTS.entries()) {
        const event = { id: `event-${place}`, ...ATTRIBUTES, time: '2026-01-02T03:04:05.678Z' };
        await call('EventService/Publish', { event: { ...event, extensions: EXTENSIONS, ...data } });
      }
      const requests = await receiver.received(EVENTS.length);
      const lines = requests.map(({ headers, body }) =>
        JSON.stringify({ headers, body: Buffer.from(body).toString('base64') }),
      );
      const printed = await output(TOOLS.python, ['-B', PROGRAM], { input: `${lines.join('\n')}\n` });
      const read = printed
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Read);
      assert.equal(read.length, EVENTS.length);
      for (const [place, [what, , data]] of EVENTS.entries()) {
        const { core, v1, time, data: got } = read[place]!;
        const expected = { id: `event-${place}`, ...ATTRIBUTES, ...EXTENSIONS };
        assert.deepEqual(core, expected, what);
        assert.equal(time, Date.UTC(2026, 0, 2, 3, 4, 5, 678), what);
        assert.deepEqual(got, data, what);
        // docs/payloads.md says so of it. Data that is a CloudEvent itself always goes structured.
        const isStructured = String(requests[place]!.headers['content-type']).startsWith(
          'application/cloudevents',
        );
        assert.equal(v1.subject === core.subject && v1.tenant === core.tenant, isStructured, what);
      }
    });
  }
});
