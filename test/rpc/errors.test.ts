import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import {
  ErrorInfoSchema,
  PreconditionFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from '../../gen/google/rpc/error_details_pb.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { DomainError, failedPrecondition, notFound } from '../../src/domain/error.ts';
import { type DomainReason, REASONS, type Reason } from '../../src/domain/reason.ts';
import type { ErrorCode } from '../../src/domain/reason-entry.ts';
import { toConnectError } from '../../src/rpc/errors.ts';
import { fieldsOf, refusal, startApi } from '../support/rpc.ts';

const unforeseen = { report: () => assert.fail('this was foreseen') };

describe('toConnectError', () => {
  it('has a code for every code of the domain', () => {
    const codes: Record<ErrorCode, Code> = {
      INVALID: Code.InvalidArgument,
      UNAUTHENTICATED: Code.Unauthenticated,
      NOT_FOUND: Code.NotFound,
      ALREADY_EXISTS: Code.AlreadyExists,
      ABORTED: Code.Aborted,
      OUT_OF_RANGE: Code.OutOfRange,
      PERMISSION_DENIED: Code.PermissionDenied,
      FAILED_PRECONDITION: Code.FailedPrecondition,
      EXHAUSTED: Code.ResourceExhausted,
      UNAVAILABLE: Code.Unavailable,
    };
    for (const [code, expected] of Object.entries(codes)) {
      const reasons = Object.keys(REASONS).filter((reason) => REASONS[reason as Reason].code === code);
      assert.ok(reasons.length > 0, code);
      for (const reason of reasons) {
        const error = toConnectError(new DomainError(reason as DomainReason, 'because'), unforeseen);
        assert.deepEqual([error.code, error.rawMessage], [expected, 'because']);
        const [info] = error.findDetails(ErrorInfoSchema);
        assert.deepEqual([info?.reason, info?.domain], [reason, 'carillon.dev']);
      }
    }
  });

  it('says when to try again', () => {
    for (const reason of ['TOO_MANY_WAITING', 'SERVER_STOPPING'] as const) {
      const [info] = toConnectError(new DomainError(reason, 'full'), unforeseen).findDetails(RetryInfoSchema);
      assert.equal(info?.retryDelay?.seconds, 1n);
    }
  });

  it('says which state is missing', () => {
    const error = failedPrecondition('WEBHOOK_NOT_ACTIVE', {
      type: 'Webhook',
      id: 'wh_1',
      description: 'is PAUSED',
    });
    const [failure] = toConnectError(error, unforeseen).findDetails(PreconditionFailureSchema);
    assert.equal(failure?.violations[0]?.subject, 'wh_1');
  });

  it('names the resource, and cuts off what a header could not hold', () => {
    const error = toConnectError(notFound('Webhook', `joe${'e'.repeat(5000)}\ud800`), unforeseen);
    const [info] = error.findDetails(ResourceInfoSchema);
    assert.equal(info?.resourceType, 'carillon.v1.Webhook');
    assert.match(info?.resourceName ?? '', /^joe+…$/);
    assert.match(error.rawMessage, /^there is no webhook joe+…$/);
    assert.ok(error.rawMessage.length <= 300 && error.rawMessage.isWellFormed());
    assert.equal(info?.description, error.rawMessage);
  });

  it('takes a path off that the caller did not write, in details and message', () => {
    const violations = [
      { field: 'webhook.name', description: 'is bad' },
      { field: 'webhook', description: 'is worse' },
      { field: 'webhooks', description: 'is another' },
    ];
    const error = toConnectError(new DomainError('INVALID_FIELD', 'webhook.name: is bad', { violations }), {
      ...unforeseen,
      hiddenPath: 'webhook',
    });
    assert.deepEqual(Object.keys(fieldsOf(error)), ['name', '', 'webhooks']);
    assert.equal(error.rawMessage, 'name: is bad; is worse; webhooks: is another');
    assert.deepEqual(error.findDetails(ErrorInfoSchema)[0]?.metadata, { field: 'name' });
  });

  it('tells a caller an id, and nothing else, of what nobody foresaw', () => {
    const seen: unknown[] = [];
    const report = (reason: unknown) => `id-${seen.push(reason)}`;
    const cause = new TypeError('cannot read /etc/secret');
    const error = toConnectError(cause, { report });
    assert.equal(error.code, Code.Internal);
    assert.match(error.message, /id-1/);
    assert.ok(!error.message.includes('secret'));
    assert.deepEqual(seen, [cause]);
    assert.equal(toConnectError('a string', { report }).code, Code.Internal);
  });

  it('leaves an error alone that was made for a caller, but gives it a reason', () => {
    const error = new ConnectError('teapot', Code.Unimplemented);
    assert.equal(toConnectError(error, unforeseen), error);
    assert.equal(toConnectError(error, unforeseen), error);
    const infos = error.findDetails(ErrorInfoSchema).map(({ reason }) => reason);
    assert.deepEqual([error.rawMessage, infos], ['teapot', ['WRONG_MESSAGE_COUNT']]);
  });
});

describe('A bug', () => {
  it('shows its caller an id, its log everything, and nobody dies', async () => {
    await using broken = await startApi({
      deps: (deps) => ({
        ...deps,
        store: {
          ...deps.store,
          resolveWebhooks: () => Promise.reject(new Error('SELECT secret FROM vault')),
        },
      }),
    });
    for (const transport of Object.values(broken.transports)) {
      const before = broken.lines.length;
      const error = await refusal(createClient(WebhookService, transport).get({ id: 'x' }));
      assert.equal(error.code, Code.Internal);
      assert.ok(!error.message.includes('vault'));
      const [, id = ''] = /under ([0-9a-f]{16})/.exec(error.message) ?? [];
      const line = broken.lines.slice(before).find(({ fields }) => fields.err !== undefined);
      assert.deepEqual([line?.level, line?.fields.errorId], ['error', id]);
      assert.match(String(line?.fields.err), /vault/);
    }
    const response = await fetch(`${broken.url}/webhooks/x`);
    const text = await response.text();
    assert.equal(response.status, 500);
    assert.ok(!text.includes('vault') && !text.includes('at '));
  });

  it('in the store that is a want of capacity is no bug', async () => {
    await using full = await startApi({
      deps: (deps) => ({
        ...deps,
        store: {
          ...deps.store,
          scanWebhooks: () => Promise.reject(new DomainError('DATABASE_BUSY', 'the queue is full')),
        },
      }),
    });
    const error = await refusal(full.webhooks.list({}));
    assert.equal(error.code, Code.ResourceExhausted);
    assert.equal(error.findDetails(RetryInfoSchema).length, 1);
  });
});

describe('The log', () => {
  it('has one wide line for each call, without payloads and secrets', async () => {
    await using running = await startApi();
    const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    const payload = { body: { case: 'text', value: 'for your eyes only' } } as const;
    const webhook = { name: 'joe', destination: 'http://127.0.0.1:9999/', signing: { secret }, payload };
    const { webhook: made } = await createClient(WebhookService, running.transports.grpc).register({
      webhook,
    });
    await refusal(running.webhooks.get({ id: 'nothing' }));
    await fetch(`${running.url}/carillon.v1.WebhookService/Get`, { method: 'POST' });

    const byCode = (code: string) => running.line(({ fields }) => fields.code === code);
    const [ok, missing, strange] = await Promise.all([byCode('ok'), byCode('not_found'), byCode('unknown')]);
    assert.deepEqual(
      [ok, missing, strange].map(({ level, message, fields }) => [
        level,
        message,
        fields.protocol,
        fields.webhookId,
      ]),
      [
        ['info', 'carillon.v1.WebhookService/Register ok', 'grpc', made?.id],
        ['info', 'carillon.v1.WebhookService/Get not_found', 'connect', 'nothing'],
        ['info', 'carillon.v1.WebhookService/Get unknown', 'connect', undefined],
      ],
    );
    assert.equal(running.lines.filter(({ fields }) => 'code' in fields).length, 3);
    // Beside those, what was changed has a line.
    assert.deepEqual(
      running.lines.flatMap(({ fields }) => ('code' in fields ? [] : [fields.changes])),
      [[`CREATED Webhook ${made?.id}`]],
    );
    assert.deepEqual([ok.fields.namespace, typeof ok.fields.durationMs], ['default', 'number']);
    const text = JSON.stringify(running.lines);
    assert.ok(!text.includes('eyes only') && !text.includes(secret.slice(6)));
  });

  it('has a line for a stream once it has ended, in every protocol, and how', async () => {
    await using running = await startApi();
    const { connect, grpc, grpcWeb } = running.transports;
    for (const transport of [connect, grpc, grpcWeb]) {
      const before = running.lines.length;
      const leaving = new AbortController();
      const read = async () => {
        const stream = createClient(Health, transport).watch({}, { signal: leaving.signal });
        for await (const _ of stream) leaving.abort();
      };
      assert.equal((await refusal(read())).code, Code.Canceled);
      const line = await running.line((each) => running.lines.indexOf(each) >= before);
      assert.deepEqual([line.level, line.message], ['debug', 'grpc.health.v1.Health/Watch canceled']);
    }
  });
});
