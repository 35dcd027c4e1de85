import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Code, createClient } from '@connectrpc/connect';
import {
  type EventSchema,
  EventService,
  PublishBatchResponseSchema,
} from '../../../gen/carillon/v1/event_pb.ts';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from '../../../gen/google/rpc/error_details_pb.ts';
import { DomainError } from '../../../src/domain/error.ts';
import type { Published } from '../../../src/publish/publisher.ts';
import { refusal, sharedApi, startApi, violations } from '../../support/rpc.ts';

type EventInit = MessageInitShape<typeof EventSchema>;

describe('PublishBatch', () => {
  const api = sharedApi();
  const batch = (events: readonly EventInit[]) =>
    api().events.publishBatch({ requests: events.map((event) => ({ event })) });

  it('answers each event on its own, in order, with the details of what was refused', async () => {
    for (const [name, transport] of Object.entries(api().transports)) {
      const id = `batch-${name}`;
      const { results } = await createClient(EventService, transport).publishBatch({
        requests: [
          { event: { type: 'a', id } },
          { event: { type: 'not a type', id: 'not an id' } },
          { event: { type: 'a', id } },
          { event: { type: 'b', id } },
          {},
          { event: { type: 'c' } },
        ],
      });
      const told = results.map(({ result }) =>
        result.case === 'response' ? result.value.duplicate : result.value?.code,
      );
      assert.deepEqual(told, [
        false,
        Code.InvalidArgument,
        true,
        Code.AlreadyExists,
        Code.InvalidArgument,
        false,
      ]);
      const error = results[1]?.result;
      assert.equal(error?.case, 'error');
      assert.match(error.value.message, /^event\.id: /);
      const [info, details] = error.value.details;
      assert.ok(info && details);
      const { reason, domain, metadata } = anyUnpack(info, ErrorInfoSchema) ?? {};
      assert.deepEqual([reason, domain, metadata], ['INVALID_FIELD', 'carillon.dev', { field: 'event.id' }]);
      const fields = anyUnpack(details, BadRequestSchema)?.fieldViolations.map(({ field }) => field);
      assert.deepEqual(fields?.sort(), ['event.id', 'event.type']);
    }
  });

  it('refuses alone the event whose JSON nests too deep or has no number', async () => {
    const deep = `${'['.repeat(33)}${']'.repeat(33)}`;
    const requests = [deep, '1e999', '1'].map((json) => `{"event":{"type":"a","json":${json}}}`);
    const response = await fetch(`${api().url}/carillon.v1.EventService/PublishBatch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"requests":[${requests.join()}]}`,
    });
    const { results } = (await response.json()) as { results: { error?: { message: string } }[] };
    assert.match(results[0]?.error?.message ?? '', /^event\.json: nests deeper than 32/);
    assert.match(results[1]?.error?.message ?? '', /^event\.json: .*too large for double precision/);
    assert.deepEqual([results.length, results[2]?.error], [3, undefined]);
  });

  it('takes a thousand events, and not one more', async () => {
    const events = Array.from({ length: 1000 }, (_, i) => ({ type: 'many', id: `many-${i}` }));
    const { results } = await batch(events);
    assert.deepEqual(
      results.map(({ result }) => (result.case === 'response' ? result.value.id : '')),
      events.map(({ id }) => id),
    );
    assert.match((await violations(batch([...events, { type: 'many' }]))).requests ?? '', /1001.*1000/);
    assert.match((await violations(batch([]))).requests ?? '', /0 items/);
  });

  it('has an answer that clients accept, however much is wrong', async () => {
    const headers = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`webhook-${'x'.repeat(100)}-${i}`, '']),
    );
    const event = { type: '', id: ' ', source: ' ', subject: '\0', headers };
    const client = createClient(EventService, api().transports.grpc);
    const { results } = await client.publishBatch({
      requests: Array.from({ length: 1000 }, () => ({ event })),
    });
    assert.equal(results.length, 1000);
    assert.ok(
      toBinary(PublishBatchResponseSchema, create(PublishBatchResponseSchema, { results })).length <
        4 * 1024 * 1024,
    );
  });
});

describe('When no more can be taken in', () => {
  const full: Published[] = [
    { kind: 'PUBLISHED', id: 'evt_1', deliveries: 1, duplicate: false },
    { kind: 'FULL' },
    { kind: 'FAILED', error: new DomainError('DATABASE_UNAVAILABLE', 'the database is away') },
  ];
  const answering = (published: Published) =>
    startApi({ deps: (deps) => ({ ...deps, publisher: { publish: async () => [published] } }) });

  it('Publish says so, and when to try again', async () => {
    const codes = [];
    for (const published of full.slice(1)) {
      await using api = await answering(published);
      const error = await refusal(api.events.publish({ event: { type: 'a' } }));
      codes.push(error.code);
      assert.equal(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds, 1n);
    }
    assert.deepEqual(codes, [Code.ResourceExhausted, Code.Unavailable]);
  });

  it('PublishBatch says so of each event', async () => {
    await using api = await startApi({
      deps: (deps) => ({ ...deps, publisher: { publish: async () => full } }),
    });
    const { results } = await api.events.publishBatch({
      requests: full.map(() => ({ event: { type: 'a' } })),
    });
    const told = results.map(({ result }) => {
      if (result.case !== 'error') return result.case;
      const [info, retry] = result.value.details;
      return [
        result.value.code,
        info && anyUnpack(info, ErrorInfoSchema)?.reason,
        retry && anyUnpack(retry, RetryInfoSchema)?.retryDelay?.seconds,
      ];
    });
    assert.deepEqual(told, [
      'response',
      [Code.ResourceExhausted, 'TOO_MANY_WAITING', 1n],
      [Code.Unavailable, 'DATABASE_UNAVAILABLE', 1n],
    ]);
  });

  it('PublishBatch fails as a whole when nothing was published', async () => {
    await using api = await startApi({
      deps: (deps) => ({
        ...deps,
        publisher: {
          publish: () => Promise.reject(new DomainError('DATABASE_UNAVAILABLE', 'the database is away')),
        },
      }),
    });
    const error = await refusal(api.events.publishBatch({ requests: [{ event: { type: 'a' } }] }));
    assert.deepEqual([error.code, error.rawMessage], [Code.Unavailable, 'the database is away']);
  });
});
