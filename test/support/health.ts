import { create, enumToJson, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import {
  Health,
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatusSchema,
  HealthCheckResponseSchema,
} from '../../gen/grpc/health/v1/health_pb.ts';

/** What `grpc.health.v1.Health/Watch` says of the whole server, as it says it. */
export interface HealthWatch extends AsyncDisposable {
  /** Resolves with the next status; rejects when the server ends the stream without one. */
  next(): Promise<string>;
}

/** Watches with grpc-js, as a gRPC client does that balances load by health. */
export async function watchHealth(url: string): Promise<HealthWatch> {
  const client = new Client(new URL(url).host, credentials.createInsecure());
  const { method } = Health;
  const stream = client.makeServerStreamRequest(
    `/${Health.typeName}/${method.watch.name}`,
    (service: string) =>
      Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service }))),
    (bytes) => fromBinary(HealthCheckResponseSchema, bytes),
    '',
  );
  const answers: AsyncIterator<HealthCheckResponse, undefined> = stream[Symbol.asyncIterator]();
  return {
    async next() {
      const { value } = await answers.next();
      if (value === undefined) throw new Error('the server ended the health stream');
      return String(enumToJson(HealthCheckResponse_ServingStatusSchema, value.status));
    },
    async [Symbol.asyncDispose]() {
      stream.on('error', () => {});
      stream.cancel();
      client.close();
    },
  };
}
