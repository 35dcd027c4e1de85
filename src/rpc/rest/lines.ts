import { type Message, toJsonString } from '@bufbuild/protobuf';
import type { MethodImplSpec } from '@connectrpc/connect';
import { JSON_OPTIONS } from '../transport/answer.ts';
import { DISCARD_MS, discardBody } from '../transport/body.ts';
import type { Admit, Call } from '../transport/call.ts';
import { decodeUtf8 } from '../transport/decode.ts';
import { createAlarm, createHold } from '../transport/decode-stream.ts';
import { tooLarge } from '../transport/failures.ts';
import { parseMessage } from '../transport/message.ts';
import type { NodeRequest } from '../transport/node.ts';
import { createStreamRoom } from '../transport/room.ts';
import { answerFlow, type FlowDeps, messagesOf } from './outflow.ts';
import { hiddenPathOf, readHead } from './request.ts';
import { toRestError } from './status.ts';
import type { Route } from './table.ts';
import type { RestCall } from './unary.ts';

/** Lines of JSON (https://github.com/ndjson/ndjson-spec). */
export const LINES_TYPE = 'application/x-ndjson';

/**
 * Answers a route whose method streams both ways with lines of JSON: one for each line, in order, as they
 * come. The last line is an error in AIP-193's JSON where a line cannot be read, or the call fails.
 */
export function serveLines(
  deps: FlowDeps,
  spec: Extract<MethodImplSpec, { kind: 'bidi_streaming' }>,
  rest: RestCall,
): void {
  const { route, call, request, negotiated } = rest;
  const { output: type } = spec.method;
  answerFlow(
    deps,
    rest,
    {
      contentType: LINES_TYPE,
      write: (message: Message) => `${toJsonString(type, message, JSON_OPTIONS)}\n`,
      failure: (error) => `${JSON.stringify(toRestError(error).body)}\n`,
    },
    async (plain) => {
      try {
        if (call.refusal !== undefined) throw call.refusal;
        if (negotiated.error !== undefined) throw negotiated.error;
        readHead({ ...rest, binding: route }, {});
        plain.checkTimeout();
      } catch (reason) {
        discardBody(request);
        throw reason;
      }
      // Whatever was not read when the call is over is dropped, so that its caller gets to read why.
      plain.signal.addEventListener('abort', () => drop(request));
      const messages = read(linesOf(request, deps.messageBytesMax, call), route, call.admit!);
      return messagesOf(type, spec.impl(messages, plain));
    },
  );
}

async function* read(lines: AsyncIterable<Uint8Array>, route: Route, admit: Admit): AsyncIterable<Message> {
  const { input } = route.spec.method;
  const field = hiddenPathOf(route);
  let number = 0;
  for await (const line of lines) {
    const what = `line ${++number}`;
    const text = decodeUtf8(line, what);
    if (text.trim() === '') continue;
    const message = await parseMessage(input, text, what, field);
    const admitted = admit(message);
    if (admitted !== undefined) await admitted;
    yield message;
  }
}

const LINE_FEED = 0x0a;

/**
 * The lines of a body, without their ends. A caller may be quiet between them. Raises RESOURCE_EXHAUSTED for
 * one that is too long, and DEADLINE_EXCEEDED for one that has begun and does not end in time.
 */
async function* linesOf(request: NodeRequest, bytesMax: number, call: Call): AsyncIterable<Uint8Array> {
  const pieces: AsyncIterator<Uint8Array> = request.iterator({ destroyOnReturn: false });
  const held = createHold();
  const late = createAlarm();
  const room = createStreamRoom(call, late.ring);
  let begun = 0;
  try {
    for (;;) {
      const next = begun > 0 ? await late.before(pieces.next()) : await pieces.next();
      if (next.done) break;
      const piece = next.value;
      let from = 0;
      for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, from)) {
        if (begun + end - from > bytesMax) throw tooLarge(bytesMax, LINE);
        late.off();
        const line = held.take(piece.subarray(from, end));
        begun = 0;
        from = end + 1;
        const waits = room.make(line.length, line.length);
        if (waits !== undefined) await waits;
        yield line;
        room.done();
      }
      begun += piece.length - from;
      if (begun > bytesMax) throw tooLarge(bytesMax, LINE);
      held.add(piece.subarray(from));
      const waits = room.make(begun <= SMALL_BYTES ? begun : Math.min(bytesMax, 2 * begun), begun);
      if (waits === undefined) continue;
      late.off();
      await waits;
    }
    if (begun > 0) yield held.take(new Uint8Array(0));
  } finally {
    late.off();
    room.done();
    pieces.return?.().catch(() => {});
  }
}

const LINE = 'a line';

/** Of a longer one as much again is expected as has come. */
const SMALL_BYTES = 64 * 1024;

function drop(request: NodeRequest): void {
  if (request.readableEnded || request.destroyed) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), DISCARD_MS);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
}
