import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, createFileRegistry, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { Code, createClient } from '@connectrpc/connect';
import {
  ServerReflection,
  type ServerReflectionRequestSchema,
} from '../../../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { refusal, sharedApi, startApi } from '../../support/rpc.ts';

type Ask = NonNullable<
  Exclude<MessageInitShape<typeof ServerReflectionRequestSchema>, { $typeName: string }>['messageRequest']
>;

describe('Reflection', () => {
  const api = sharedApi();

  /** Asks everything in one stream, as grpcurl does. */
  async function ask(...requests: Ask[]) {
    const answers = [];
    const stream = createClient(ServerReflection, api().transports.grpc).serverReflectionInfo(
      (async function* () {
        for (const messageRequest of requests) yield { host: 'here', messageRequest };
      })(),
    );
    for await (const answer of stream) answers.push(answer);
    assert.equal(answers.length, requests.length);
    return answers;
  }

  async function filesFor(request: Ask): Promise<FileDescriptorProto[]> {
    const [answer] = await ask(request);
    assert.equal(answer?.messageResponse.case, 'fileDescriptorResponse');
    return answer.messageResponse.value.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
  }

  it('lists the services', async () => {
    const [answer] = await ask({ case: 'listServices', value: '' });
    assert.equal(answer?.messageResponse.case, 'listServicesResponse');
    assert.deepEqual(
      answer.messageResponse.value.service.map(({ name }) => name),
      [
        'carillon.v1.WebhookService',
        'carillon.v1.EventService',
        'carillon.v1.DeliveryService',
        'carillon.v1.AdminService',
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
      ],
    );
    assert.deepEqual(
      [answer.validHost, answer.originalRequest?.messageRequest.case],
      ['here', 'listServices'],
    );
  });

  it('answers a symbol with its file and all that it imports, from which the API can be called', async () => {
    const files = await filesFor({ case: 'fileContainingSymbol', value: 'carillon.v1.WebhookService' });
    const names = files.map(({ name }) => name);
    assert.equal(names[0], 'carillon/v1/webhook.proto');
    assert.ok(
      names.includes('buf/validate/validate.proto') && names.includes('google/protobuf/descriptor.proto'),
    );
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files.reverse() }));
    const register = registry.getService('carillon.v1.WebhookService')?.method.register;
    assert.equal(
      register?.input.field.webhook?.message?.field.schedule?.message?.typeName,
      'carillon.v1.Schedule',
    );
  });

  it('knows every kind of symbol', async () => {
    const symbols = {
      'carillon.v1.WebhookService.Register': 'carillon/v1/webhook.proto',
      'carillon.v1.Webhook.State': 'carillon/v1/webhook.proto',
      'carillon.v1.Webhook.STATE_ACTIVE': 'carillon/v1/webhook.proto',
      'carillon.v1.SecretValue': 'carillon/v1/credentials.proto',
      'carillon.v1.ClientIdentity': 'carillon/v1/destination_tls.proto',
      'carillon.v1.Schedule': 'carillon/v1/schedule.proto',
      'carillon.v1.Schedule.time_zone': 'carillon/v1/schedule.proto',
      'carillon.v1.Schedule.when': 'carillon/v1/schedule.proto',
      'carillon.v1.MISFIRE_POLICY_SKIP': 'carillon/v1/schedule.proto',
      'buf.validate.field': 'buf/validate/validate.proto',
      'google.protobuf.Timestamp': 'google/protobuf/timestamp.proto',
      'grpc.health.v1.Health.Check': 'grpc/health/v1/health.proto',
    };
    for (const [symbol, file] of Object.entries(symbols)) {
      assert.equal((await filesFor({ case: 'fileContainingSymbol', value: symbol }))[0]?.name, file, symbol);
    }
  });

  it('answers files by name, and sends none twice in a stream unless asked for it', async () => {
    const [first, second] = await ask(
      { case: 'fileByFilename', value: 'carillon/v1/webhook.proto' },
      { case: 'fileByFilename', value: 'carillon/v1/schedule.proto' },
    );
    assert.equal(first?.messageResponse.case, 'fileDescriptorResponse');
    assert.equal(second?.messageResponse.case, 'fileDescriptorResponse');
    assert.ok(first.messageResponse.value.fileDescriptorProto.length > 5);
    assert.equal(second.messageResponse.value.fileDescriptorProto.length, 1);
  });

  it('knows the extensions of a message', async () => {
    const fieldOptions = 'google.protobuf.FieldOptions';
    const [numbers, file] = await ask(
      { case: 'allExtensionNumbersOfType', value: fieldOptions },
      { case: 'fileContainingExtension', value: { containingType: fieldOptions, extensionNumber: 1159 } },
    );
    assert.equal(numbers?.messageResponse.case, 'allExtensionNumbersResponse');
    assert.ok(numbers.messageResponse.value.extensionNumber.includes(1159));
    assert.equal(file?.messageResponse.case, 'fileDescriptorResponse');
  });

  it('answers what there is not with NOT_FOUND, and goes on', async () => {
    const answers = await ask(
      { case: 'fileContainingSymbol', value: 'carillon.v1.Nothing' },
      { case: 'fileByFilename', value: 'nothing.proto' },
      {
        case: 'fileContainingExtension',
        value: { containingType: 'carillon.v1.Webhook', extensionNumber: 1 },
      },
      { case: 'allExtensionNumbersOfType', value: 'carillon.v1.Nothing' },
      { case: 'allExtensionNumbersOfType', value: 'carillon.v1.Webhook' },
      { case: undefined },
    );
    assert.deepEqual(
      answers.map(({ messageResponse: { case: kind, value } }) =>
        kind === 'errorResponse' ? value.errorCode : kind,
      ),
      [
        Code.NotFound,
        Code.NotFound,
        Code.NotFound,
        Code.NotFound,
        'allExtensionNumbersResponse',
        Code.InvalidArgument,
      ],
    );
  });

  it('speaks v1alpha as well', async () => {
    const stream = createClient(ServerReflectionAlpha, api().transports.grpc).serverReflectionInfo(
      (async function* () {
        yield { messageRequest: { case: 'listServices', value: '' } } as const;
      })(),
    );
    for await (const { messageResponse } of stream)
      assert.equal(messageResponse.case, 'listServicesResponse');
  });

  it('says that it takes HTTP/2 to whom comes with HTTP/1.1', async () => {
    const response = await fetch(`${api().url}/grpc.reflection.v1.ServerReflection/ServerReflectionInfo`, {
      method: 'POST',
      headers: { 'content-type': 'application/connect+json' },
      body: '',
    });
    assert.equal(response.status, 505);
    assert.match(await response.text(), /takes HTTP\/2/);
  });

  it('ends its streams when the server stops', async () => {
    await using stopping = await startApi();
    const client = createClient(ServerReflection, stopping.transports.grpc);
    const { promise: never } = Promise.withResolvers<void>();
    const stream = client.serverReflectionInfo(
      (async function* () {
        yield { messageRequest: { case: 'listServices', value: '' } } as const;
        await never;
      })(),
    );
    const read = async () => {
      for await (const _ of stream) stopping.api.health.stop();
    };
    assert.equal((await refusal(read())).code, Code.Unavailable);
  });
});
