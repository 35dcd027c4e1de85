import type { MethodImplSpec } from '@connectrpc/connect';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { readBinary } from '../transport/decode.ts';
import { wrongCount } from '../transport/failures.ts';
import type { Guard } from '../transport/guard.ts';
import { taken } from '../transport/stall.ts';
import type { Arrival } from './arrival.ts';
import { incoming } from './incoming.ts';
import { Exchange, type ExchangeDeps } from './served-call.ts';

type Spec<Kind extends MethodImplSpec['kind']> = Extract<MethodImplSpec, { kind: Kind }>;

/** Answers a call with the implementation of its method, whichever of the four kinds it is. Never throws. */
export function serve(deps: ExchangeDeps, base: ServerInterceptingCallInterface, arrival: Arrival): void {
  const { spec, refusal } = arrival;
  const exchange = new Exchange(deps, base, arrival);
  switch (spec.kind) {
    case 'unary':
      receiveOne(deps, exchange, spec, (bytes) => void unary(deps, exchange, spec, bytes));
      break;
    case 'server_streaming':
      receiveOne(deps, exchange, spec, (bytes) => void serverStreaming(deps, exchange, spec, bytes));
      break;
    case 'client_streaming':
      void clientStreaming(deps, exchange, spec);
      break;
    case 'bidi_streaming':
      void bidiStreaming(deps, exchange, spec);
      break;
    default:
      spec satisfies never;
  }
  if (refusal !== undefined) exchange.fail(refusal);
}

async function unary(
  { guard }: ExchangeDeps,
  exchange: Exchange,
  { method, impl }: Spec<'unary'>,
  bytes: Uint8Array,
): Promise<void> {
  try {
    const request = readBinary(method.input, bytes, WHAT);
    await guard.admit(method, request, exchange.call);
    const response = await impl(request, exchange);
    void exchange.send(method.output, response);
    exchange.finish();
  } catch (reason) {
    exchange.fail(reason);
  }
}

async function serverStreaming(
  { guard }: ExchangeDeps,
  exchange: Exchange,
  { method, impl }: Spec<'server_streaming'>,
  bytes: Uint8Array,
): Promise<void> {
  try {
    const request = readBinary(method.input, bytes, WHAT);
    await guard.admit(method, request, exchange.call);
    await sendAll(guard, exchange, impl(request, exchange));
  } catch (reason) {
    exchange.fail(reason);
  }
}

async function clientStreaming(
  deps: ExchangeDeps,
  exchange: Exchange,
  { method, impl }: Spec<'client_streaming'>,
): Promise<void> {
  try {
    const response = await impl(incoming(deps, exchange, method.input), exchange);
    void exchange.send(method.output, response);
    exchange.finish();
  } catch (reason) {
    exchange.fail(reason);
  }
}

async function bidiStreaming(
  deps: ExchangeDeps,
  exchange: Exchange,
  { method, impl }: Spec<'bidi_streaming'>,
): Promise<void> {
  try {
    await sendAll(deps.guard, exchange, impl(incoming(deps, exchange, method.input), exchange));
  } catch (reason) {
    exchange.fail(reason);
  }
}

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

/** Waits for the one message of a call and for the end that must follow it. */
function receiveOne(
  { receiving }: ExchangeDeps,
  exchange: Exchange,
  { kind }: MethodImplSpec,
  answer: (bytes: Uint8Array) => void,
): void {
  const what = `input message for ${kind.replace('_', '-')} method`;
  let received: Uint8Array | undefined;
  receiving.add(exchange);
  exchange.start({
    message(bytes) {
      if (received !== undefined) {
        exchange.fail(wrongCount(`received extra ${what}`));
        return;
      }
      received = bytes;
      exchange.read();
    },
    done() {
      receiving.delete(exchange);
      if (received !== undefined) answer(received);
      else exchange.fail(wrongCount(`missing ${what}`));
    },
    failed: (reason) => exchange.fail(reason),
    ended() {
      received = undefined;
    },
  });
  exchange.read();
}
