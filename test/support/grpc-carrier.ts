import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import { findTrailerError } from '@connectrpc/connect/protocol-grpc';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import type { Carrier } from './publishers.ts';

/** Carries the calls of a publisher with grpc-js, the client that the docs give to heavy publishers. */
export function openGrpcCarrier(address: string): { readonly carrier: Carrier; close(): void } {
  const client = new Client(address, credentials.createInsecure());
  const { publish, publishBatch, publishStream } = EventService.method;
  const carrier: Carrier = {
    publish: (request) => unaryCall(client, publish, request),
    publishBatch: (request) => unaryCall(client, publishBatch, request),
    async *publishStream(requests) {
      const stream = client.makeBidiStreamRequest(
        pathOf(publishStream),
        writer(publishStream.input),
        reader(publishStream.output),
      );
      const writing = writeAll(stream, requests);
      // What went wrong is what reading raises.
      writing.catch(() => {});
      yield* stream as AsyncIterable<MessageShape<typeof publishStream.output>>;
      await writing;
    },
  };
  return { carrier, close: () => client.close() };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

interface Method<I extends DescMessage, O extends DescMessage> {
  readonly name: string;
  readonly parent: { readonly typeName: string };
  readonly input: I;
  readonly output: O;
}

interface Writable<T> {
  write(message: T): boolean;
  end(): void;
  once(event: 'drain' | 'close', listener: () => void): unknown;
}

function unaryCall<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: Method<I, O>,
  request: MessageShape<I>,
): Promise<MessageShape<O>> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      pathOf(method),
      writer(method.input),
      reader(method.output),
      request,
      (error, answer) => (error === null ? resolve(answer!) : reject(connectErrorFrom(error))),
    );
  });
}

async function writeAll<T>(stream: Writable<T>, messages: AsyncIterable<T>): Promise<void> {
  const closed = new Promise<void>((resolve) => stream.once('close', resolve));
  for await (const message of messages) {
    if (stream.write(message)) continue;
    await Promise.race([closed, new Promise<void>((resolve) => stream.once('drain', resolve))]);
  }
  stream.end();
}

function pathOf({ parent, name }: Method<DescMessage, DescMessage>): string {
  return `/${parent.typeName}/${name}`;
}

function writer<T extends DescMessage>(type: T): (message: MessageShape<T>) => Buffer {
  return (message) => Buffer.from(toBinary(type, message));
}

function reader<T extends DescMessage>(type: T): (bytes: Uint8Array) => MessageShape<T> {
  return (bytes) => fromBinary(type, bytes);
}

/** grpc-js leaves the details as they came (google.rpc.Status in `grpc-status-details-bin`). */
export function connectErrorFrom({ code, details, metadata }: ServiceError): ConnectError {
  const headers = new Headers({ 'grpc-status': String(code), 'grpc-message': encodeURIComponent(details) });
  const [status] = metadata.get('grpc-status-details-bin');
  if (status !== undefined) headers.set('grpc-status-details-bin', Buffer.from(status).toString('base64'));
  return findTrailerError(headers) ?? ConnectError.from(details);
}
