/** The native gRPC port on real sockets, with clients of grpc-js and of HTTP/2 without any gRPC. */
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  type CallOptions,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { type Status, StatusSchema } from '../../gen/google/rpc/status_pb.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { NativeLimits } from '../../src/rpc/native/limits.ts';
import type { Services } from '../../src/rpc/services.ts';
import type { Address } from '../../src/server/listen/bind.ts';
import {
  createGrpcServer,
  type GrpcServer,
  type GrpcSettings,
} from '../../src/server/listen/grpc-listener.ts';
import { type EchoImpl, echoServices } from './echo.ts';
import { type WatchedLog, watchedLog } from './log.ts';

export interface GrpcOptions {
  readonly settings?: Partial<GrpcSettings>;
  readonly limits?: Partial<NativeLimits>;
}

export interface RunningGrpc extends AsyncDisposable, WatchedLog {
  readonly server: GrpcServer;
  readonly address: Address;
  readonly client: GrpcClient;
}

/** Starts the port with some services, on a port of its own. */
export async function startGrpc(
  services: Pick<Services, 'mounted' | 'guard'>,
  { settings, limits }: GrpcOptions = {},
): Promise<RunningGrpc> {
  const watched = watchedLog();
  const server = createGrpcServer({
    services,
    settings: { messageBytesMax: 4 * 1024 * 1024, connectionsMax: 100, ...settings },
    log: watched.log,
    clock: systemClock,
    ...(limits && { limits }),
  });
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  const client = grpcClient(address);
  return {
    ...watched,
    server,
    address,
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      await server.close(0);
    },
  };
}

/** Starts the port with the echo service. */
export function startEcho(impl: Partial<EchoImpl> = {}, options: GrpcOptions = {}): Promise<RunningGrpc> {
  return startGrpc(echoServices(impl), options);
}

/** What came of a call, byte for byte. */
export interface RawAnswer {
  readonly code: number;
  readonly message: string;
  /** google.rpc.Status, as it was sent. */
  readonly details: Buffer | undefined;
  readonly response: Buffer | undefined;
}

/** A client of grpc-js, whose serializers are those of protobuf-es. */
export interface GrpcClient {
  /** Sends bytes as they are, whatever the method. Never rejects. */
  raw(path: string, request: Uint8Array, options?: CallOptions): Promise<RawAnswer>;
  unary<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    options?: UnaryOptions,
  ): Promise<UnaryAnswer<O>>;
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
  ): Reads<O>;
  /** The answer is that of the stream, once it has ended. */
  clientStream<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
  ): {
    readonly stream: ClientWritableStream<MessageInitShape<I>>;
    readonly answer: Promise<MessageShape<O>>;
  };
  bidi<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
  ): ClientDuplexStream<MessageInitShape<I>, MessageShape<O>> & Reads<O>;
  close(): void;
}

export interface UnaryOptions extends CallOptions {
  readonly metadata?: Metadata;
}

type Method<I, O> = DescMethod & { readonly input: I; readonly output: O };

/** For iterations: grpc-js does not say of what its streams are. */
type Reads<O extends DescMessage> = Omit<
  ClientReadableStream<MessageShape<O>>,
  typeof Symbol.asyncIterator | 'toArray'
> & {
  [Symbol.asyncIterator](): AsyncIterator<MessageShape<O>>;
  toArray(): Promise<MessageShape<O>[]>;
};

export interface UnaryAnswer<O extends DescMessage> {
  readonly message: MessageShape<O>;
  readonly headers: Metadata;
  readonly trailers: Metadata;
}

export function grpcClient({ host, port }: Address, options: ChannelOptions = {}): GrpcClient {
  // A connection of its own for each client.
  const own = { 'grpc.use_local_subchannel_pool': 1, ...options };
  const client = new Client(`${host}:${port}`, credentials.createInsecure(), own);
  const asIs = (bytes: Buffer) => bytes;
  const writer =
    <I extends DescMessage>(type: I) =>
    (message: MessageInitShape<I>) =>
      Buffer.from(toBinary(type, create(type, message)));
  // Not from a Buffer, which the bytes of a message would become as well.
  const reader =
    <O extends DescMessage>(type: O) =>
    (bytes: Buffer): MessageShape<O> =>
      fromBinary(type, new Uint8Array(bytes));

  return {
    raw: (path, request, callOptions = {}) =>
      new Promise((resolve) => {
        const answered = (error: ServiceError | null, response?: Buffer) => {
          const [details] = error?.metadata.get('grpc-status-details-bin') ?? [];
          resolve({
            code: error?.code ?? 0,
            message: error?.details ?? '',
            details: details as Buffer | undefined,
            response,
          });
        };
        client.makeUnaryRequest(
          path,
          asIs,
          asIs,
          Buffer.from(request),
          new Metadata(),
          callOptions,
          answered,
        );
      }),
    unary: (method, request, { metadata = new Metadata(), ...callOptions } = {}) =>
      new Promise((resolve, reject) => {
        let headers = new Metadata();
        let message: MessageShape<typeof method.output> | undefined;
        const call = client.makeUnaryRequest(
          pathOf(method),
          writer(method.input),
          reader(method.output),
          request,
          metadata,
          callOptions,
          (error, response) => {
            if (error) reject(error);
            message = response;
          },
        );
        call.on('metadata', (received: Metadata) => {
          headers = received;
        });
        call.on('status', ({ metadata: trailers }) => {
          if (message !== undefined) resolve({ message, headers, trailers });
        });
      }),
    serverStream: (method, request) =>
      client.makeServerStreamRequest(pathOf(method), writer(method.input), reader(method.output), request),
    clientStream(method) {
      const { promise, resolve, reject } = Promise.withResolvers<MessageShape<typeof method.output>>();
      const stream = client.makeClientStreamRequest(
        pathOf(method),
        writer(method.input),
        reader(method.output),
        (error, response) => (error ? reject(error) : resolve(response!)),
      );
      return { stream, answer: promise };
    },
    bidi: (method) =>
      client.makeBidiStreamRequest(pathOf(method), writer(method.input), reader(method.output)),
    close: () => client.close(),
  };
}

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** What a call is refused with. Fails when it is not refused. */
export async function grpcRefusal(call: Promise<unknown>): Promise<ServiceError> {
  try {
    await call;
  } catch (error) {
    return error as ServiceError;
  }
  throw new Error('the call was not refused');
}

/** The google.rpc.Status that an error carries. */
export function statusOf(error: ServiceError): Status {
  const [details] = error.metadata.get('grpc-status-details-bin');
  if (!(details instanceof Uint8Array)) throw new Error('it has no details');
  return fromBinary(StatusSchema, details);
}

/** An HTTP/2 client that does as it is told. */
export interface RawHttp2 extends AsyncDisposable {
  readonly session: ClientHttp2Session;
  /** Sends a request of these bytes, ended unless told otherwise, and waits until the stream is closed. */
  send(headers: OutgoingHttpHeaders, body?: Uint8Array, end?: boolean): Promise<RawHttp2Answer>;
}

export interface RawHttp2Answer {
  readonly status: number | undefined;
  /** Of the trailers, or of the head when there is nothing else. */
  readonly grpcStatus: number | undefined;
  readonly grpcMessage: string;
  /** google.rpc.Status, as it was sent. */
  readonly details: Buffer | undefined;
  readonly contentType: string | undefined;
  /** The head and the trailers together. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  readonly rstCode: number | undefined;
}

/** `localAddress` is another address of this machine to come from. */
export function rawHttp2(
  { host, port }: Address,
  { localAddress }: { localAddress?: string } = {},
): RawHttp2 {
  const session = connect(`http://${host}:${port}`, {
    ...(localAddress && { createConnection: () => connectTcp({ host, port, localAddress }) }),
  });
  session.on('error', () => {});
  return {
    session,
    send: (headers, body = new Uint8Array(0), end = true) =>
      new Promise((resolve) => {
        const stream = session.request({
          ':method': 'POST',
          'content-type': 'application/grpc',
          te: 'trailers',
          ...headers,
        });
        const chunks: Buffer[] = [];
        let head: Record<string, unknown> = {};
        let trailers: Record<string, unknown> = {};
        stream.on('response', (received) => {
          head = received;
        });
        stream.on('trailers', (received) => {
          trailers = received;
        });
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('error', () => {});
        stream.on('close', () => {
          const status = trailers['grpc-status'] ?? head['grpc-status'];
          resolve({
            status: head[':status'] as number | undefined,
            grpcStatus: status === undefined ? undefined : Number(status),
            grpcMessage: decodeURIComponent(String(trailers['grpc-message'] ?? head['grpc-message'] ?? '')),
            details: binary(trailers['grpc-status-details-bin'] ?? head['grpc-status-details-bin']),
            contentType: head['content-type'] as string | undefined,
            fields: { ...head, ...trailers },
            body: Buffer.concat(chunks),
            rstCode: stream.rstCode,
          });
        });
        stream.write(body);
        if (end) stream.end();
      }),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        if (session.closed || session.destroyed) return resolve();
        session.once('close', resolve);
        session.destroy();
      }),
  };
}

function binary(header: unknown): Buffer | undefined {
  return header === undefined ? undefined : Buffer.from(String(header), 'base64');
}

/** A message with what gRPC puts before it. */
export function framed(message: Uint8Array, flags = 0): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt8(flags, 0);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}
