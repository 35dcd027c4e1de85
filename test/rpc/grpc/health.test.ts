import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code, createClient } from '@connectrpc/connect';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from '../../../gen/grpc/health/v1/health_pb.ts';
import { refusal, startApi } from '../../support/rpc.ts';

const WEBHOOKS = 'carillon.v1.WebhookService';

describe('Health', () => {
  it('is NOT_SERVING before the server serves, and after it has stopped', async () => {
    await using running = await startApi();
    const health = createClient(Health, running.transports.connect);
    assert.equal((await health.check({})).status, Status.SERVING);
    assert.equal((await health.check({ service: WEBHOOKS })).status, Status.SERVING);
    running.api.health.stop();
    assert.equal((await health.check({})).status, Status.NOT_SERVING);
    assert.equal((await health.check({ service: WEBHOOKS })).status, Status.NOT_SERVING);
  });

  it('is set for one service without the others', async () => {
    await using running = await startApi();
    const health = createClient(Health, running.transports.grpc);
    running.api.health.set('NOT_SERVING', WEBHOOKS);
    const { statuses } = await health.list({});
    assert.equal(statuses[WEBHOOKS]?.status, Status.NOT_SERVING);
    assert.equal(statuses['']?.status, Status.SERVING);
    assert.equal(statuses['carillon.v1.DeliveryService']?.status, Status.SERVING);
  });

  it('answers 503 over REST where it does not serve, which is all that a load balancer reads', async () => {
    await using running = await startApi();
    const asked = async (path: string, method = 'GET') => {
      const response = await fetch(running.url + path, { method });
      return [response.status, await response.text()];
    };
    assert.deepEqual(await asked('/v1/health'), [200, '{"status":"SERVING"}']);
    running.api.health.set('NOT_SERVING', WEBHOOKS);
    assert.deepEqual(await asked(`/v1/health?service=${WEBHOOKS}`), [503, '{"status":"NOT_SERVING"}']);
    assert.deepEqual(await asked('/v1/health'), [200, '{"status":"SERVING"}']);
    running.api.health.stop();
    assert.deepEqual(await asked('/v1/health'), [503, '{"status":"NOT_SERVING"}']);
    assert.deepEqual(await asked('/v1/health', 'HEAD'), [503, '']);
    // Each of the list is an answer of its own, and so is that of the RPC.
    assert.equal((await asked('/v1/health:list'))[0], 200);
    const health = createClient(Health, running.transports.connect);
    assert.equal((await health.check({})).status, Status.NOT_SERVING);
  });

  it('says under livez that the server lives, also in trouble and to the end, and under readyz whether it serves', async () => {
    await using running = await startApi();
    const health = createClient(Health, running.transports.grpc);
    const statuses = async () => [
      (await health.check({ service: 'livez' })).status,
      (await health.check({ service: 'readyz' })).status,
      (await fetch(`${running.url}/v1/health?service=livez`)).status,
      (await fetch(`${running.url}/v1/health?service=readyz`)).status,
    ];
    assert.deepEqual(await statuses(), [Status.SERVING, Status.SERVING, 200, 200]);
    running.api.health.pause();
    assert.deepEqual(await statuses(), [Status.SERVING, Status.NOT_SERVING, 200, 503]);
    assert.equal(running.api.health.isReady(), false);
    running.api.health.serve();
    assert.deepEqual(await statuses(), [Status.SERVING, Status.SERVING, 200, 200]);
    assert.equal(running.api.health.isReady(), true);
    running.api.health.stop();
    assert.deepEqual(await statuses(), [Status.SERVING, Status.NOT_SERVING, 200, 503]);
  });

  it('does not know a service that there is not', async () => {
    await using running = await startApi();
    const health = createClient(Health, running.transports.grpc);
    assert.equal((await refusal(health.check({ service: 'nothing' }))).code, Code.NotFound);
  });

  it('tells a watcher every change, and last that it stops', async () => {
    await using running = await startApi();
    for (const transport of [
      running.transports.grpc,
      running.transports.grpcWeb,
      running.transports.connect,
    ]) {
      running.api.health.set('SERVING', WEBHOOKS);
      const seen: Status[] = [];
      const stream = createClient(Health, transport).watch({ service: WEBHOOKS });
      for await (const { status } of stream) {
        seen.push(status);
        if (seen.length === 3) break;
        running.api.health.set(status === Status.SERVING ? 'NOT_SERVING' : 'SERVING', WEBHOOKS);
      }
      assert.deepEqual(seen, [Status.SERVING, Status.NOT_SERVING, Status.SERVING]);
    }
    const last: Status[] = [];
    const read = async () => {
      for await (const { status } of createClient(Health, running.transports.grpc).watch({})) {
        last.push(status);
        if (status === Status.SERVING) running.api.health.stop();
      }
    };
    assert.equal((await refusal(read())).code, Code.Unavailable);
    assert.deepEqual(last, [Status.SERVING, Status.NOT_SERVING]);
  });

  it('tells a watcher of a service that there is not SERVICE_UNKNOWN, and waits', async () => {
    await using running = await startApi();
    for await (const { status } of createClient(Health, running.transports.grpc).watch({
      service: 'nothing',
    })) {
      assert.equal(status, Status.SERVICE_UNKNOWN);
      break;
    }
  });

  it('answers a client of grpc-js', async () => {
    await using running = await startApi();
    const client = new Client(running.url2.slice('http://'.length), credentials.createInsecure());
    try {
      const { promise, resolve, reject } = Promise.withResolvers<Status | undefined>();
      client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        (request: { service: string }) =>
          Buffer.from(
            toBinary(HealthCheckRequestSchema, {
              $typeName: 'grpc.health.v1.HealthCheckRequest',
              ...request,
            }),
          ),
        (bytes: Buffer) => fromBinary(HealthCheckResponseSchema, bytes),
        { service: '' },
        new Metadata(),
        (error, response) => (error ? reject(error) : resolve(response?.status)),
      );
      assert.equal(await promise, Status.SERVING);
    } finally {
      client.close();
    }
  });
});
