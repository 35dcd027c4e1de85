import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { connectCall } from '../support/call.ts';
import { openReceiver, type ReceivedRequest } from '../support/receiver.ts';
import { startCarillon } from '../support/server.ts';
import { output, ROOT, type RunOptions, TOOLS } from './tool.ts';

const PROGRAMS = join(import.meta.dirname, 'cloudevents');
const INSTALLED = join(ROOT, '.interop/cloudevents');

type Attributes = Record<'id' | 'source' | 'type' | 'subject' | 'tenant', string | null>;
/** What the program for Python prints. */
interface PythonRead {
  readonly core: Attributes;
  /** The API of version 1, which does not decode headers. */
  readonly v1: Attributes;
  /** In milliseconds since 1970. */
  readonly time: number;
  readonly data: unknown;
}

/** What the other programs print: the attributes, and the data as a value or in base64. */
interface Read extends Attributes {
  readonly time: number;
  readonly data?: unknown;
  readonly bytes?: string;
}

interface Sdk {
  readonly command: readonly [string, ...string[]];
  readonly options?: RunOptions;
  /** Whether it decodes what is percent-encoded in headers (HTTP binding, 3.1.3.2). */
  readonly decodes: boolean;
}

/** The SDKs, and in what they differ: none but the one for Python decodes headers. */
const SDKS: Readonly<Record<string, Sdk>> = {
  JavaScript: {
    command: [process.execPath, join(PROGRAMS, 'javascript/read.mjs'), join(INSTALLED, 'javascript')],
    decodes: false,
  },
  Go: { command: [TOOLS.cloudeventsGo], decodes: false },
  Java: {
    command: [TOOLS.java, '-cp', join(INSTALLED, 'java/*'), join(PROGRAMS, 'java/Read.java')],
    decodes: false,
  },
  Rust: {
    command: [TOOLS.cargo, 'run', '--quiet', '--locked'],
    options: {
      cwd: join(PROGRAMS, 'rust'),
      env: { ...process.env, CARGO_TARGET_DIR: join(ROOT, '.interop/rust'), CARGO_PROFILE_DEV_DEBUG: '0' },
    },
    decodes: false,
  },
};

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
const TIME = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const EXTENSIONS = { tenant: 'Bücher & Grüße 5%' };

const MODES = ['BINARY', 'STRUCTURED'] as const;
type Mode = (typeof MODES)[number];

/** What destinations get for all events, in order. */
async function delivered(mode: Mode): Promise<readonly ReceivedRequest[]> {
  await using receiver = await openReceiver();
  await using carillon = await startCarillon({ command: 'dev' });
  const call = connectCall(carillon.url);
  const payload = { eventFormat: `EVENT_FORMAT_CLOUDEVENTS_${mode}` };
  const webhook = { name: 'sdk', destination: receiver.url, eventTypes: ['*'], payload };
  await call('WebhookService/Register', { webhook: { ...webhook, limits: { ordered: true } } });
  for (const [place, [, data]] of EVENTS.entries()) {
    const event = { id: `event-${place}`, ...ATTRIBUTES, time: new Date(TIME).toISOString() };
    await call('EventService/Publish', { event: { ...event, extensions: EXTENSIONS, ...data } });
  }
  // Awaited here, while both are there.
  return await receiver.received(EVENTS.length);
}

/** What a program prints for requests, a line for each. */
async function readBy<T>(
  [tool, ...args]: readonly [string, ...string[]],
  requests: readonly ReceivedRequest[],
  options: RunOptions = {},
): Promise<readonly T[]> {
  const lines = requests.map(({ headers, body }) =>
    JSON.stringify({ headers, body: Buffer.from(body).toString('base64') }),
  );
  const printed = await output(tool, args, { ...options, input: `${lines.join('\n')}\n` });
  const read = printed.trimEnd().split('\n');
  assert.equal(read.length, requests.length);
  return read.map((line) => JSON.parse(line) as T);
}

/** Data that is a CloudEvent itself always goes structured. */
function isStructured({ headers }: ReceivedRequest): boolean {
  return String(headers['content-type']).startsWith('application/cloudevents');
}

describe('CloudEvents as SDKs read them', { timeout: 900_000 }, () => {
  const sent = new Map<Mode, readonly ReceivedRequest[]>();
  before(async () => {
    for (const mode of MODES) sent.set(mode, await delivered(mode));
  });

  for (const mode of MODES) {
    it(`are what was published for Python, sent ${mode}`, async () => {
      const requests = sent.get(mode)!;
      const read = await readBy<PythonRead>(
        [TOOLS.python, '-B', join(PROGRAMS, '../python/cloudevents_read.py')],
        requests,
      );
      for (const [place, [what, , data]] of EVENTS.entries()) {
        const { core, v1, time, data: got } = read[place]!;
        assert.deepEqual(core, { id: `event-${place}`, ...ATTRIBUTES, ...EXTENSIONS }, what);
        assert.equal(time, TIME, what);
        assert.deepEqual(got, data, what);
        // docs/payloads.md says so of it.
        const isSame = v1.subject === core.subject && v1.tenant === core.tenant;
        assert.equal(isSame, isStructured(requests[place]!), what);
      }
    });
  }

  for (const [language, sdk] of Object.entries(SDKS)) {
    for (const mode of MODES) {
      it(`are what was published for ${language}, sent ${mode}`, async () => {
        const requests = sent.get(mode)!;
        const read = await readBy<Read>(sdk.command, requests, sdk.options);
        for (const [place, [what, given, data]] of EVENTS.entries()) {
          const { bytes, data: value, ...attributes } = read[place]!;
          const inHeaders = !isStructured(requests[place]!);
          const text = sdk.decodes || !inHeaders ? (each: string) => each : percentEncoded;
          const expected = {
            ...{ id: `event-${place}`, source: text(ATTRIBUTES.source), type: ATTRIBUTES.type, time: TIME },
            ...{ subject: text(ATTRIBUTES.subject), tenant: text(EXTENSIONS.tenant) },
          };
          assert.deepEqual(attributes, expected, what);
          assert.deepEqual(bytes === undefined ? value : dataOf(given, bytes), data, what);
        }
      });
    }
  }
});

/** The data in bytes that an SDK leaves to its caller to read. */
function dataOf(given: object, bytes: string): unknown {
  if ('bytes' in given) return bytes;
  const text = Buffer.from(bytes, 'base64').toString();
  return 'json' in given || 'contentType' in given ? JSON.parse(text) : text;
}

/** As a header has it (HTTP binding, 3.1.3.2). */
function percentEncoded(text: string): string {
  return text.replaceAll(/[^\x21\x23\x24\x26-\x7e]/gu, encodeURIComponent);
}
