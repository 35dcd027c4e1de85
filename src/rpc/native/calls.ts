import type { Message } from '@bufbuild/protobuf';
import type { MethodImplSpec } from '@connectrpc/connect';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { Admit } from '../transport/call.ts';
import { wrongCount } from '../transport/failures.ts';
import type { Guard } from '../transport/guard.ts';
import type { Incoming } from '../transport/inflow.ts';
import { readBinary } from '../transport/message.ts';
import { taken } from '../transport/stall.ts';
import type { Arrival } from './arrival.ts';
import { incoming } from './incoming.ts';
import type { Reader } from './reader.ts';
import { roomFor } from './rooms.ts';
import { Exchange, type ExchangeDeps } from './served-call.ts';

type Spec<Kind extends MethodImplSpec['kind']> = Extract<MethodImplSpec, { kind: Kind }>;

/**
 * Answers a call with the implementation of its method, whichever of the four kinds it is; the one place
 * where a call that comes by this port passes the guard. Never throws.
 */
export function serve(deps: ExchangeDeps, base: ServerInterceptingCallInterface, arrival: Arrival): void {
  const { spec } = arrival;
  const exchange = new Exchange(deps, base, arrival);
  let admit: Admit;
  try {
    admit = deps.guard.begin(spec.method, arrival.head, exchange.call);
    if (arrival.refusal !== undefined) throw arrival.refusal;
  } catch (reason) {
    exchange.start(NOBODY);
    exchange.fail(reason);
    return;
  }
  switch (spec.kind) {
    case 'unary':
      receiveOne(deps, exchange, spec, (received) => void unary(exchange, spec, admit, received));
      break;
    case 'server_streaming':
      receiveOne(
        deps,
        exchange,
        spec,
        (received) => void serverStreaming(deps, exchange, spec, admit, received),
      );
      break;
    case 'client_streaming':
      void clientStreaming(exchange, spec, incoming(deps, exchange, spec.method.input, admit));
      break;
    case 'bidi_streaming':
      void bidiStreaming(deps, exchange, spec, incoming(deps, exchange, spec.method.input, admit));
      break;
    default:
      spec satisfies never;
  }
}

async function unary(
  exchange: Exchange,
  { method, impl }: Spec<'unary'>,
  admit: Admit,
  { bytes, incoming }: Received,
): Promise<void> {
  try {
    if (incoming !== undefined) await roomFor(incoming, bytes.length);
    const read = readBinary(method.input, bytes, WHAT);
    const request = read instanceof Promise ? await read : read;
    await admit(request);
    const response = await impl(request, exchange);
    void exchange.send(method.output, response);
    exchange.finish();
  } catch (reason) {
    exchange.fail(reason);
  } finally {
    // Not before: what is done goes on when its caller has left.
    incoming?.end();
  }
}

async function serverStreaming(
  { guard }: ExchangeDeps,
  exchange: Exchange,
  { method, impl }: Spec<'server_streaming'>,
  admit: Admit,
  { bytes, incoming }: Received,
): Promise<void> {
  try {
    if (incoming !== undefined) await roomFor(incoming, bytes.length);
    const read = readBinary(method.input, bytes, WHAT);
    const request = read instanceof Promise ? await read : read;
    await admit(request);
    incoming?.end();
    await sendAll(guard, exchange, impl(request, exchange));
  } catch (reason) {
    incoming?.end();
    exchange.fail(reason);
  }
}

async function clientStreaming(
  exchange: Exchange,
  { method, impl }: Spec<'client_streaming'>,
  messages: AsyncIterable<Message>,
): Promise<void> {
  try {
    const response = await impl(messages, exchange);
    void exchange.send(method.output, response);
    exchange.finish();
  } catch (reason) {
    exchange.fail(reason);
  }
}

async function bidiStreaming(
  { guard }: ExchangeDeps,
  exchange: Exchange,
  { impl }: Spec<'bidi_streaming'>,
  messages: AsyncIterable<Message>,
): Promise<void> {
  try {
    await sendAll(guard, exchange, impl(messages, exchange));
  } catch (reason) {
    exchange.fail(reason);
  }
}

/** Hears of nothing: the call is over before anything is read. */
const NOBODY: Reader = { message() {}, done() {}, failed() {}, ended() {} };

/** How a message is called that cannot be read. */
const WHAT = 'the body';

/** Sends what a handler yields as fast as it is read, and lets the handler go when the call has ended. */
async function sendAll(
  guard: Guard,
  exchange: Exchange,
  messages: ReturnType<Spec<'server_streaming'>['impl']>,
): Promise<void> {
  for await (const message of messages) {
    const full = exchange.send(exchange.method.output, message);
    if (full !== undefined) await taken(full, exchange.call, guard.stallMs);
    if (exchange.ended) return;
  }
  exchange.finish();
}

/** The one message of a call, and the room that it takes, if it is large. */
interface Received {
  readonly bytes: Uint8Array;
  readonly incoming: Incoming | undefined;
}

/** Waits for the one message of a call and for the end that must follow it. */
function receiveOne(
  { receiving }: ExchangeDeps,
  exchange: Exchange,
  { kind }: MethodImplSpec,
  answer: (received: Received) => void,
): void {
  const what = `input message for ${kind.replace('_', '-')} method`;
  let received: Received | undefined;
  receiving.add(exchange);
  exchange.start({
    message(bytes, incoming) {
      if (received !== undefined) {
        exchange.fail(wrongCount(`received extra ${what}`));
        return;
      }
      received = { bytes, incoming };
      exchange.read();
    },
    done() {
      receiving.delete(exchange);
      if (received !== undefined) {
        answer(received);
        received = undefined;
      } else exchange.fail(wrongCount(`missing ${what}`));
    },
    failed: (reason) => exchange.fail(reason),
    ended() {
      received?.incoming?.end();
      received = undefined;
    },
  });
  exchange.read();
}
