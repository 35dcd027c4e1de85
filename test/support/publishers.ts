import { create, createRegistry, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type Client, Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import {
  EventService,
  type PublishBatchRequest,
  PublishBatchRequestSchema,
  type PublishBatchResponse,
  type PublishRequest,
  PublishRequestSchema,
  type PublishResponse,
  type PublishResult,
  type PublishStreamRequest,
  PublishStreamRequestSchema,
  type PublishStreamResponse,
} from '../../gen/carillon/v1/event_pb.ts';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from '../../gen/google/rpc/error_details_pb.ts';
import { Refusal } from './call.ts';
import { openGrpcCarrier } from './grpc-carrier.ts';

/**
 * Everything that can publish events, as a caller would, behind one interface.
 *
 *     await using publisher = WAYS['native gRPC'](carillon);
 *     const [answer] = await publisher.publish([create(PublishRequestSchema, { event })]);
 */
export interface Publisher extends AsyncDisposable {
  /**
   * Publishes events, some of them at once where the way allows it. Resolves with what became of each, in
   * order: a Refusal when the server said no. Rejects when the server could not be reached or broke off;
   * `answered` was told what was answered until then.
   */
  publish(requests: readonly PublishRequest[], answered?: Answered): Promise<readonly Answer[]>;
}

export type Answer = PublishResponse | Refusal;
/** Is told of each answer when it comes; `index` is that of its request. */
export type Answered = (index: number, answer: Answer) => void;

/** Where a server is: `url` of the Connect port, `grpcAddress` (`127.0.0.1:<port>`) of the native one. */
export interface Server {
  readonly url: string;
  readonly grpcAddress: string;
}

export type Way = (server: Server) => Publisher;

/** What errors of the API come with (AIP-193). */
const ERROR_DETAILS = [BadRequestSchema, ErrorInfoSchema, ResourceInfoSchema, RetryInfoSchema];
/** Unary calls at once, of one publisher. */
const CALLS_AT_ONCE = 16;
/** What goes into a batch: below the 4 MiB that a message may have, in base64 too, and 1,000 events. */
const BATCH_EVENTS = 100;
const BATCH_BYTES = 2 * 1024 * 1024;

export const WAYS = {
  'Connect with JSON': ({ url }) => overConnect(jsonTransport(url), unary),
  'Connect with protobuf': ({ url }) => overConnect(binaryTransport(url), unary),
  'gRPC on the Connect port': ({ url }) => overConnect(grpcTransport(url), unary),
  'gRPC-Web': ({ url }) => overConnect(createGrpcWebTransport({ baseUrl: url, httpVersion: '1.1' }), unary),
  'native gRPC': ({ grpcAddress }) => overGrpc(grpcAddress, unary),
  'PublishBatch over Connect with JSON': ({ url }) => overConnect(jsonTransport(url), batched),
  'PublishBatch over native gRPC': ({ grpcAddress }) => overGrpc(grpcAddress, batched),
  'PublishStream over gRPC on the Connect port': ({ url }) => overConnect(grpcTransport(url), streamed),
  'PublishStream over native gRPC': ({ grpcAddress }) => overGrpc(grpcAddress, streamed),
} satisfies Record<string, Way>;

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** What carries the calls of a publisher. */
export interface Carrier {
  publish(request: PublishRequest): Promise<PublishResponse>;
  publishBatch(request: PublishBatchRequest): Promise<PublishBatchResponse>;
  publishStream(requests: AsyncIterable<PublishStreamRequest>): AsyncIterable<PublishStreamResponse>;
}

type Publish = (carrier: Carrier, requests: readonly PublishRequest[], answered: Answered) => Promise<void>;

async function unary(carrier: Carrier, requests: readonly PublishRequest[], answered: Answered) {
  const rest = requests.entries();
  async function call(): Promise<void> {
    for (const [index, request] of rest) {
      answered(index, await carrier.publish(request).catch(refusalFrom));
    }
  }
  await Promise.all(Array.from({ length: Math.min(CALLS_AT_ONCE, requests.length) }, call));
}

async function batched(carrier: Carrier, requests: readonly PublishRequest[], answered: Answered) {
  for (let start = 0; start < requests.length; ) {
    const batch = batchFrom(requests, start);
    const { results } = await carrier.publishBatch(create(PublishBatchRequestSchema, { requests: batch }));
    if (results.length !== batch.length)
      throw new Error(`${results.length} answers to ${batch.length} events`);
    for (const [i, result] of results.entries()) answered(start + i, answerOf(result));
    start += batch.length;
  }
}

async function streamed(carrier: Carrier, requests: readonly PublishRequest[], answered: Answered) {
  async function* all(): AsyncIterable<PublishStreamRequest> {
    for (const request of requests) yield create(PublishStreamRequestSchema, { request });
  }
  let index = 0;
  for await (const { result } of carrier.publishStream(all())) answered(index++, answerOf(result));
  if (index !== requests.length) throw new Error(`${index} answers to ${requests.length} events`);
}

function batchFrom(requests: readonly PublishRequest[], start: number): PublishRequest[] {
  const batch: PublishRequest[] = [];
  let bytes = 0;
  for (const request of requests.slice(start, start + BATCH_EVENTS)) {
    bytes += toBinary(PublishRequestSchema, request).length;
    if (batch.length > 0 && bytes > BATCH_BYTES) break;
    batch.push(request);
  }
  return batch;
}

function answerOf(result: PublishResult | undefined): Answer {
  switch (result?.result.case) {
    case 'response':
      return result.result.value;
    case 'error': {
      const { code, message, details } = result.result.value;
      const fields = details.flatMap((detail) => {
        const bad = anyUnpack(detail, BadRequestSchema);
        return bad?.fieldViolations.map(({ field }) => field) ?? [];
      });
      return new Refusal(code, message, fields);
    }
    default:
      throw new Error('an answer says nothing');
  }
}

/**
 * No answers: whoever gets them does not know what became of the event. Connect's clients say ABORTED when
 * a connection breaks.
 */
const NO_ANSWER = new Set([
  Code.Canceled,
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.Internal,
  Code.Unavailable,
]);

function refusalFrom(reason: unknown): Refusal {
  const error = ConnectError.from(reason);
  if (NO_ANSWER.has(error.code)) throw reason;
  const bad = error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations);
  return new Refusal(
    error.code,
    error.rawMessage,
    bad.map(({ field }) => field),
  );
}

function publisherOf(carrier: Carrier, publish: Publish, close: () => void): Publisher {
  return {
    async publish(requests, answered) {
      const answers: Answer[] = [];
      await publish(carrier, requests, (index, answer) => {
        answers[index] = answer;
        answered?.(index, answer);
      });
      return answers;
    },
    async [Symbol.asyncDispose]() {
      close();
    },
  };
}

function overGrpc(address: string, publish: Publish): Publisher {
  const { carrier, close } = openGrpcCarrier(address);
  return publisherOf(carrier, publish, close);
}

function overConnect(transport: Transport, publish: Publish): Publisher {
  const client: Client<typeof EventService> = createClient(EventService, transport);
  return publisherOf(client, publish, () => {});
}

function jsonTransport(baseUrl: string): Transport {
  // In a batch, errors are among the answers, and in JSON their details have to be known.
  const registry = createRegistry(...ERROR_DETAILS);
  return createConnectTransport({
    baseUrl,
    httpVersion: '1.1',
    useBinaryFormat: false,
    jsonOptions: { registry },
  });
}

function binaryTransport(baseUrl: string): Transport {
  return createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: true });
}

function grpcTransport(baseUrl: string): Transport {
  // Its connection must not hold the process.
  return createGrpcTransport({ baseUrl, idleConnectionTimeoutMs: 1 });
}
