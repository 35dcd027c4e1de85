import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { status } from '@grpc/grpc-js';
import { EventService, type PublishResponse } from '../../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import {
  Health,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as Serving,
} from '../../../gen/grpc/health/v1/health_pb.ts';
import {
  ServerReflection,
  type ServerReflectionResponse,
} from '../../../gen/grpc/reflection/v1/reflection_pb.ts';
import { grpcRefusal, startGrpc, statusOf } from '../../support/grpc.ts';
import { startApi } from '../../support/rpc.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';

describe('The services on native gRPC', () => {
  it('register a webhook and publish to it', async () => {
    await using api = await startApi();
    await using port = await startGrpc(api.api.services);
    const { client } = port;
    const webhook = { name: 'orders', destination: DESTINATION, eventTypes: ['order.*'] };
    const registered = await client.unary(WebhookService.method.register, { webhook });
    assert.equal(registered.message.created, true);
    const event = { type: 'order.paid', content: { case: 'json', value: { numberValue: 1 } } } as const;
    const published = await client.unary(EventService.method.publish, { event });
    assert.equal(published.message.deliveryCount, 1);
  });

  it('publish a stream of events, and answer each as it is durable', async () => {
    await using api = await startApi();
    await using port = await startGrpc(api.api.services);
    const stream = port.client.bidi(EventService.method.publishStream);
    const answers: (string | undefined)[] = [];
    stream.write({ request: { event: { id: '0', type: 'order.paid' } } });
    for await (const { result } of stream) {
      answers.push(result?.result.case === 'response' ? result.result.value.id : undefined);
      if (answers.length === 20) stream.end();
      else stream.write({ request: { event: { id: String(answers.length), type: 'order.paid' } } });
    }
    assert.deepEqual(answers, [...Array(20).keys()].map(String));
  });

  it('name every mistake of a request', async () => {
    await using api = await startApi();
    await using port = await startGrpc(api.api.services);
    const event = { type: '', id: 'a b' };
    const error = await grpcRefusal(port.client.unary(EventService.method.publish, { event }));
    assert.equal(error.code, Code.InvalidArgument);
    assert.match(error.details, /event\.type: .*event\.id: |event\.id: .*event\.type: /);
    assert.deepEqual(
      statusOf(error).details.map(({ typeUrl }) => typeUrl),
      ['type.googleapis.com/google.rpc.ErrorInfo', 'type.googleapis.com/google.rpc.BadRequest'],
    );
  });

  it('tell a watcher of health that they stop, and let the port stop', async () => {
    await using api = await startApi();
    await using port = await startGrpc(api.api.services);
    const stream = port.client.serverStream(Health.method.watch, {});
    const seen: Serving[] = [];
    const watch = async () => {
      for await (const response of stream) {
        seen.push((response as HealthCheckResponse).status);
        if (seen.length > 1) continue;
        api.api.health.stop();
        void port.server.close(60_000);
      }
    };
    assert.equal((await grpcRefusal(watch())).code, status.UNAVAILABLE);
    assert.deepEqual(seen, [Serving.SERVING, Serving.NOT_SERVING]);
    await port.server.close(60_000);
  });

  it('describe themselves, so that they can be called without their proto files', async () => {
    await using api = await startApi();
    await using port = await startGrpc(api.api.services);
    const stream = port.client.bidi(ServerReflection.method.serverReflectionInfo);
    stream.end({ messageRequest: { case: 'fileContainingSymbol', value: 'carillon.v1.EventService' } });
    const [answer] = (await stream.toArray()) as ServerReflectionResponse[];
    assert.equal(answer?.messageResponse.case, 'fileDescriptorResponse');
    const file = answer.messageResponse.value.fileDescriptorProto
      .map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes))
      .reverse();
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
    const described = registry.getService('carillon.v1.EventService')?.method.publish;
    const { message } = await port.client.unary(described!, {
      event: { id: 'reflected', type: 'order.paid' },
    });
    assert.equal((message as PublishResponse).id, 'reflected');
  });
});
