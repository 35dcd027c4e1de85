import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { connectCall, type Json } from '../support/call.ts';
import { until } from '../support/pipeline.ts';
import { openReceiver } from '../support/receiver.ts';
import { startCarillon, temporaryFolder } from '../support/server.ts';
import { output, ROOT, run, TOOLS } from './tool.ts';
import { startReceiver } from './verify-receiver.ts';

/** What the docs show for verifying a signature, each on real requests. */
const EXAMPLES = join(ROOT, 'examples/verify');
const JARS = join(ROOT, '.interop/java/*');
const NODE = process.execPath;

const RECEIVERS: readonly (readonly [string, () => Promise<readonly [string, ...string[]]>])[] = [
  ['Node', async () => [NODE, join(EXAMPLES, 'node/receiver.mjs')]],
  ['Python', async () => [TOOLS.python, '-B', join(EXAMPLES, 'python/receiver.py')]],
  ['Go', async () => [await builtGo()]],
  ['Java', async () => [TOOLS.java, '-cp', JARS, join(EXAMPLES, 'java/Receiver.java')]],
];

const PLAIN: readonly (readonly [string, readonly [string, ...string[]]])[] = [
  ['Node', [NODE, join(EXAMPLES, 'node/plain.mjs')]],
  ['Python', [TOOLS.python, '-B', join(EXAMPLES, 'python/plain.py')]],
  ['Java', [TOOLS.java, join(EXAMPLES, 'java/Plain.java')]],
];

const DATA = { customer: 'Zoë Ångström', note: '\u0000 and 🔔', amount: 4200, text: 'a "quoted" line\n' };

for (const [language, command] of RECEIVERS) {
  describe(`the example of a receiver in ${language}`, () => {
    it('takes what Carillon sends, and refuses what is forged or old', async () => {
      const secret = aSecret();
      await using receiver = await startReceiver(await command(), { env: { WEBHOOK_SECRET: secret } });
      await using carillon = await startCarillon({ command: 'dev' });
      const call = connectCall(carillon.url);
      const webhook = {
        name: 'shop',
        destination: receiver.url,
        eventTypes: ['order.*'],
        signing: { secret },
      };
      await call('WebhookService/Register', { webhook });
      const event = { id: 'order-1001', type: 'order.paid', json: DATA };
      await call('EventService/Publish', { event });

      const delivery = await finished(call, 'order-1001');
      const { id, state, lastResponseStatus } = delivery as Record<string, string>;
      assert.deepEqual([state, lastResponseStatus], ['STATE_SUCCEEDED', 204]);
      const line = await until(() => receiver.lines[0]);
      assert.ok(line.startsWith(`${id} `), line);
      assert.ok(line.includes('order.paid'), line);
      assert.deepEqual(JSON.parse(line.slice(line.indexOf('{'))).data, DATA);

      const body = '{"type":"order.paid","timestamp":"2030-01-01T00:00:00Z","data":null}';
      const genuine = signed(secret, body);
      assert.equal(await post(receiver.url, body, genuine), 204);
      assert.equal(await post(receiver.url, body.replace('paid', 'lost'), genuine), 401);
      assert.equal(await post(receiver.url, body, {}), 401);
      assert.equal(await post(receiver.url, body, signed(aSecret(), body)), 401);
      assert.equal(await post(receiver.url, body, signed(secret, body, Date.now() - 10 * 60_000)), 401);
      // What a webhook with a schedule sends that says nothing else is not JSON.
      const greeting = 'Hello joe, current time is 2030-01-01T00:00:00.000Z';
      assert.equal(await post(receiver.url, greeting, signed(secret, greeting)), 204);
      const long = 'x'.repeat(3 * 1024 * 1024);
      // Some answer, and some hang up before they have read it all.
      const status = await post(receiver.url, long, signed(secret, long)).catch(() => undefined);
      assert.ok(status === undefined || status >= 400, String(status));
      assert.equal(await post(receiver.url, body, genuine), 204);
      assert.equal(receiver.lines.length, 4);
    });
  });
}

describe('the examples of verifying without a library', () => {
  it('accept any bytes that Carillon sends, and nothing else', async (t) => {
    const secret = aSecret();
    await using receiver = await openReceiver();
    await using carillon = await startCarillon({ command: 'dev' });
    const call = connectCall(carillon.url);
    const payload = { eventFormat: 'EVENT_FORMAT_RAW' };
    const webhook = {
      name: 'raw',
      destination: receiver.url,
      eventTypes: ['*'],
      payload,
      signing: { secret },
    };
    await call('WebhookService/Register', { webhook });
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await call('EventService/Publish', { event: { type: 'all.bytes', bytes: bytes.toString('base64') } });
    const [request] = await receiver.received(1);
    assert.deepEqual(request?.body, bytes);
    const { headers } = request!;
    const args = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
      String(headers[name]),
    );

    await using folder = await temporaryFolder();
    for (const [language, command] of PLAIN) {
      const check = async (given: readonly string[], body: Uint8Array, key = secret): Promise<string> => {
        const env = { ...process.env, WEBHOOK_SECRET: key };
        const [tool, ...rest] = command;
        const { code, stdout } = await run(tool, [...rest, ...given], { env, cwd: folder.path, input: body });
        return `${code === 0} ${stdout.trim()}`.trim();
      };
      await t.test(language, async () => {
        assert.equal(await check(args, bytes), 'true genuine');
        // While a secret is being replaced there are two signatures.
        assert.equal(await check([args[0]!, args[1]!, `v1,AAAA ${args[2]}`], bytes), 'true genuine');
        assert.equal(await check(args, bytes.toReversed()), 'false');
        assert.equal(await check(args, bytes, aSecret()), 'false');
        const old = signed(secret, 'x', Date.now() - 10 * 60_000);
        assert.equal(await check(Object.values(old), Buffer.from('x')), 'false');
      });
    }
  });
});

const PUBLIC: readonly (readonly [string, readonly [string, ...string[]]])[] = [
  ['Node', [NODE, join(EXAMPLES, 'node/public.mjs')]],
  ['Python', [TOOLS.python, '-B', join(EXAMPLES, 'python/public.py')]],
];

describe('the examples of verifying with a public key', () => {
  it('accept what Carillon signs with the key at the JWKS of the namespace, and nothing else', async (t) => {
    await using receiver = await openReceiver();
    await using carillon = await startCarillon({ command: 'dev' });
    const call = connectCall(carillon.url);
    const webhook = {
      name: 'public',
      destination: receiver.url,
      eventTypes: ['*'],
      asymmetricSignature: true,
    };
    await call('WebhookService/Register', { webhook });
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await call('EventService/Publish', { event: { type: 'all.bytes', bytes: bytes.toString('base64') } });
    const [request] = await receiver.received(1);
    const { headers, body } = request!;
    const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
      String(headers[name]),
    ) as [string, string, string];
    const env = { ...process.env, JWKS_URL: `${carillon.url}/.well-known/jwks.json` };
    for (const [language, [tool, ...rest]] of PUBLIC) {
      const check = async (given: readonly string[], input: Uint8Array): Promise<string> => {
        const { code, stdout } = await run(tool, [...rest, ...given], { env, input });
        return `${code === 0} ${stdout.trim()}`.trim();
      };
      await t.test(language, async () => {
        assert.equal(await check([id, timestamp, signatures], body), 'true genuine');
        assert.equal(await check([id, timestamp, signatures], body.toReversed()), 'false');
        assert.equal(await check([`${id}x`, timestamp, signatures], body), 'false');
        assert.equal(await check([id, String(Number(timestamp) - 1), signatures], body), 'false');
        assert.equal(await check([id, timestamp, signatures.split(' ')[0]!], body), 'false');
      });
    }
  });
});

function aSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** The headers of a request as Carillon would sign it, in the order in which the plain examples take them. */
function signed(secret: string, body: string, at = Date.now()): Record<string, string> {
  const date = new Date(at);
  const id = 'dlv_1';
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, date, body),
  };
}

async function post(url: string, body: string, headers: Record<string, string>): Promise<number> {
  const response = await fetch(url, { method: 'POST', body, headers });
  await response.body?.cancel();
  return response.status;
}

/** The one delivery of an event once it is no longer waiting. */
function finished(call: ReturnType<typeof connectCall>, eventId: string): Promise<Json> {
  return until(async () => {
    const answer = await call('DeliveryService/ListDeliveries', { filter: `event_id = ${eventId}` });
    const [delivery] = (answer.deliveries ?? []) as Json[];
    return delivery === undefined || delivery.state === 'STATE_PENDING' ? undefined : delivery;
  });
}

async function builtGo(): Promise<string> {
  const program = join(ROOT, '.interop/bin/verify-receiver');
  const cwd = join(EXAMPLES, 'go');
  await output(TOOLS.go, ['build', '-buildvcs=false', '-o', program, '.'], { cwd });
  return program;
}
