/** Clients of the API, one for each way in, that all say the same. */
import { Agent } from 'node:http';
import {
  create,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import {
  EventService,
  type PublishStreamRequest,
  PublishStreamRequestSchema,
  type PublishStreamResponse,
  PublishStreamResponseSchema,
} from '../gen/carillon/v1/event_pb.ts';

/** Native gRPC by grpc-js; Connect with protobuf over HTTP/2; Connect with JSON over HTTP/1.1. */
export type Way = 'native' | 'connect' | 'json';

export interface Caller {
  unary<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M['input']>,
  ): Promise<MessageShape<M['output']>>;
  /** Sends events in one stream. Only native. */
  publishStream(): PublishingStream;
  close(): void;
}

export interface PublishingStream {
  send(request: PublishStreamRequest): void;
  /** Calls back for each answer. */
  onAnswer(take: (answer: PublishStreamResponse) => void): void;
  /** Says that nothing more is sent. */
  end(): void;
  /** Resolves when the server has ended the stream, rejects when it failed. */
  readonly ended: Promise<void>;
}

/** More than are ever asked at a time. */
const SOCKETS_MAX = 256;

/** Where a server is, and the key that it is to be shown. */
export interface Target {
  /** `host:port` of native gRPC. */
  readonly native: string;
  readonly origin: string;
  readonly key?: string;
}

/** The headers that show a key. */
export function authorizationOf(key: string | undefined): Readonly<Record<string, string>> {
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

export function openCaller(way: Way, at: Target): Caller {
  const shown = authorizationOf(at.key);
  if (way === 'native') return nativeCaller(at.native, shown);
  if (way === 'connect') {
    const sessions = new Http2SessionManager(at.origin);
    const transport = createConnectTransport({
      baseUrl: at.origin,
      httpVersion: '2',
      useBinaryFormat: true,
      sessionManager: sessions,
    });
    return connectCaller(transport, shown, () => sessions.abort());
  }
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  const transport = createConnectTransport({
    baseUrl: at.origin,
    httpVersion: '1.1',
    useBinaryFormat: false,
    nodeOptions: { agent },
  });
  return connectCaller(transport, shown, () => agent.destroy());
}

function nativeCaller(address: string, shown: Readonly<Record<string, string>>): Caller {
  // A connection of its own.
  const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(shown)) metadata.set(name, value);
  return {
    unary<M extends DescMethodUnary>(method: M, request: MessageInitShape<M['input']>) {
      type Answer = MessageShape<M['output']>;
      return new Promise<Answer>((resolve, reject) => {
        client.makeUnaryRequest<MessageInitShape<M['input']>, Answer>(
          `/${method.parent.typeName}/${method.name}`,
          (message) => Buffer.from(toBinary(method.input, create(method.input, message))),
          (bytes) => fromBinary(method.output, bytes) as Answer,
          request,
          metadata,
          (error, answer) => (error === null ? resolve(answer!) : reject(error)),
        );
      });
    },
    publishStream() {
      const { parent, name } = EventService.method.publishStream;
      const stream = client.makeBidiStreamRequest(
        `/${parent.typeName}/${name}`,
        (message: PublishStreamRequest) => Buffer.from(toBinary(PublishStreamRequestSchema, message)),
        (bytes) => fromBinary(PublishStreamResponseSchema, bytes),
        metadata,
      );
      const ended = Promise.withResolvers<void>();
      // It can fail before anybody waits for its end.
      ended.promise.catch(() => {});
      stream.on('end', () => ended.resolve());
      stream.on('error', (error: Error) => ended.reject(error));
      return {
        send: (request) => void stream.write(request),
        onAnswer: (take) => void stream.on('data', take),
        end: () => void stream.end(),
        ended: ended.promise,
      };
    },
    close: () => client.close(),
  };
}

function connectCaller(
  transport: Transport,
  shown: Readonly<Record<string, string>>,
  close: () => void,
): Caller {
  return {
    async unary<M extends DescMethodUnary>(method: M, request: MessageInitShape<M['input']>) {
      const answer = await transport.unary(method, undefined, undefined, shown, request);
      return answer.message as MessageShape<M['output']>;
    },
    publishStream() {
      throw new Error('the stream is measured over native gRPC');
    },
    close,
  };
}
