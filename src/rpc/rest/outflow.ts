import { create, type DescMessage, type Message, type MessageInitShape } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';
import { writeJson } from '../transport/answer.ts';
import type { CallableResponse } from '../transport/node.ts';
import { PlainCall } from '../transport/plain-call.ts';
import { taken } from '../transport/stall.ts';
import type { Progress } from './request.ts';
import type { RestCall, RestDeps } from './unary.ts';

/** How the messages of a stream are written. */
export interface Flow<T> {
  readonly contentType: string;
  /** A message, or nothing for one that has nothing to say. */
  write(message: T): string;
  /** The last thing said, after messages. */
  failure(error: ConnectError): string;
  /** Said when nothing else was for `quietMs`; never without it. */
  readonly heartbeat?: string;
}

/** A longer silence might be taken for a broken connection, by callers and by what lies between. */
const QUIET_MS = 20_000;

export interface FlowDeps extends RestDeps {
  readonly stallMs: number;
  readonly quietMs?: number;
}

/**
 * Answers with a stream of messages, as fast as it is read. What goes wrong before the first of them is an
 * answer of its own with its own status.
 */
export function answerFlow<T>(
  deps: FlowDeps,
  { call, route, request, response }: RestCall,
  flow: Flow<T>,
  begin: (plain: PlainCall, progress: Progress) => Promise<AsyncIterable<T>>,
): void {
  const progress: Progress = { reading: false };
  let heart: NodeJS.Timeout | undefined;
  const tell = (error: ConnectError) => {
    clearInterval(heart);
    if (response.headersSent) response.end(flow.failure(error));
    else writeJson(response, { ...route.face.failure(error, progress), codec: null });
  };
  const plain = new PlainCall(deps, { call, method: route.spec.method, request, response, tell });
  response.once('close', () => clearInterval(heart));

  const open = () => {
    if (response.headersSent) return;
    response.writeHead(200, {
      'content-type': flow.contentType,
      'cache-control': 'no-store',
      // Or nginx would gather it up.
      'x-accel-buffering': 'no',
      ...plain.sentHeaders(),
    });
    const { heartbeat } = flow;
    if (heartbeat === undefined) return;
    heart = setInterval(() => response.write(heartbeat), deps.quietMs ?? QUIET_MS);
    heart.unref();
  };

  async function answer(): Promise<void> {
    for await (const message of await begin(plain, progress)) {
      if (plain.ended) return;
      open();
      heart?.refresh();
      if (!response.write(flow.write(message))) await taken(drained(response), call, deps.stallMs);
      if (plain.ended) return;
    }
    if (!plain.finish()) return;
    open();
    clearInterval(heart);
    response.end();
  }
  answer()
    .catch((reason: unknown) => plain.fail(reason))
    .finally(() => call.incoming?.end());
}

/** What a handler yields, which may be only the fields of a message. */
export async function* messagesOf(
  type: DescMessage,
  yielded: AsyncIterable<MessageInitShape<DescMessage>>,
): AsyncIterable<Message> {
  for await (const each of yielded) yield create(type, each);
}

function drained(response: CallableResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}
