import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { type RegisterRequestSchema, WebhookView } from '../../../gen/carillon/v1/webhook_pb.ts';
import { BadRequestSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import { refusal, sharedApi, violations } from '../../support/rpc.ts';
import { aWebhook } from '../../support/store.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';
const asked = (webhook: object): MessageInitShape<typeof RegisterRequestSchema> => ({
  webhook: { destination: DESTINATION, eventTypes: ['a'], ...webhook },
});

describe('BatchRegister', () => {
  const api = sharedApi();
  const register = (...requests: MessageInitShape<typeof RegisterRequestSchema>[]) =>
    api().webhooks.batchRegister({ requests });

  it('answers each in its place, and lets none keep back another', async () => {
    const { results } = await register(
      asked({ id: 'one', name: 'one' }),
      asked({ name: '', headers: { host: 'x' } }),
      asked({ id: 'two', name: 'two', destination: `${DESTINATION}/2` }),
      asked({ id: 'one', name: 'again' }),
      {},
    );
    assert.deepEqual(
      results.map(({ result }) => result.case),
      ['response', 'error', 'response', 'response', 'error'],
    );
    const [first, second, , fourth, fifth] = results.map(({ result }) => result);
    assert.ok(first?.case === 'response' && fourth?.case === 'response');
    assert.deepEqual([first.value.created, fourth.value.created], [true, false]);
    assert.equal(fourth.value.webhook?.uid, first.value.webhook?.uid);
    assert.match(first.value.secret, /^whsec_/);
    assert.ok(second?.case === 'error' && fifth?.case === 'error');
    assert.equal(second.value.code, Code.InvalidArgument);
    const [, detail] = second.value.details;
    const fields = anyUnpack(detail!, BadRequestSchema)?.fieldViolations.map(({ field }) => field);
    assert.deepEqual(fields?.sort(), ['webhook.headers["host"]', 'webhook.name']);
    assert.equal((await api().webhooks.get({ id: 'one' })).webhook?.name, 'again');
  });

  it('takes validate_only of each, and at most 100', async () => {
    const { results } = await register({ ...asked({ id: 'dry', name: 'dry' }), validateOnly: true });
    assert.equal(results[0]?.result.case, 'response');
    assert.equal((await refusal(api().webhooks.get({ id: 'dry' }))).code, Code.NotFound);
    const many = Array.from({ length: 101 }, () => asked({ name: 'x' }));
    for (const requests of [[], many]) {
      assert.deepEqual(Object.keys(await violations(register(...requests))), ['requests']);
    }
  });
});

describe('BatchGet', () => {
  const api = sharedApi();
  const get = (ids: string[], view: WebhookView = WebhookView.UNSPECIFIED) =>
    api().webhooks.batchGet({ ids, view });

  it('answers in the order of the ids, as often as each is named', async () => {
    const [one, two] = [aWebhook({ callerId: 'first' }), aWebhook({ spec: { name: 'b' } })];
    await api().store.createWebhooks([one, two]);
    const { webhooks } = await get([two.id, 'first', one.id]);
    assert.deepEqual(
      webhooks.map(({ uid }) => uid),
      [two.id, one.id, one.id],
    );
    assert.equal(webhooks[0]?.effective, undefined);
    assert.ok((await get([two.id], WebhookView.FULL)).webhooks[0]?.effective);
    const error = await refusal(get([two.id, 'none', 'first', 'nothing']));
    assert.deepEqual([error.code, error.rawMessage], [Code.NotFound, 'there is no webhook none, nothing']);
  });

  it('refuses no ids, too many, and what no answer can hold', async () => {
    assert.deepEqual(Object.keys(await violations(get([]))), ['ids']);
    assert.deepEqual(Object.keys(await violations(get(Array(101).fill('x')))), ['ids']);
    const text = 'x'.repeat(900_000);
    const body = { kind: 'text', text } as const;
    const payload = {
      body,
      contentType: 'text/plain',
      eventFormat: 'ENVELOPE',
      headerTemplates: {},
    } as const;
    const large = Array.from({ length: 4 }, (_, n) =>
      aWebhook({ spec: { destination: `${DESTINATION}/${n}`, payload } }),
    );
    await api().store.createWebhooks(large);
    const error = await refusal(get(large.map(({ id }) => id)));
    assert.equal(error.code, Code.OutOfRange);
    assert.equal((await get(large.slice(0, 2).map(({ id }) => id))).webhooks.length, 2);
  });
});
