import type { Message } from '@bufbuild/protobuf';
import { assertByteStreamRequest, type UniversalServerRequest } from '@connectrpc/connect/protocol';
import {
  COMPRESSION_NAMES,
  checkFlags,
  codecOf,
  decode,
  decompress,
  emptyMessage,
  type Intake,
} from './decode.ts';
import {
  BODY_READ_MS,
  cutShort,
  tooLarge,
  tooSlow,
  unannouncedCompression,
  unknownCompression,
} from './failures.ts';
import { createFraming, ENVELOPE_BYTES } from './framing.ts';
import { createStreamRoom, type StreamRoom, type Taking } from './room.ts';

export interface StreamIntake extends Omit<Intake, 'read' | 'call'> {
  readonly call: Taking;
  /** Told of each message before what stands for it is handed on; undefined when that is the message itself. */
  readonly decoded: (message: Message | undefined) => void;
  /** How long a message may take to arrive once it has begun; between messages a caller may be quiet. */
  readonly messageMs?: number;
}

/** How a message is called that cannot be read. */
export const STREAM_MESSAGE = 'a message of the stream';

/**
 * The same as `takeIn` for a method whose caller streams: each message is decoded when it is read. The body
 * raises what is wrong with one in its place, after those before it were handed on.
 */
export function takeInEach(intake: StreamIntake): UniversalServerRequest {
  return { ...intake.request, body: each(intake) };
}

async function* each(intake: StreamIntake): AsyncIterable<Uint8Array> {
  const { request, method, wire, messageBytesMax, decoded } = intake;
  const empty = emptyMessage(wire);
  const encoding = request.header.get(wire.encodingHeader);
  const codec = codecOf(encoding);
  if (codec === undefined) throw unknownCompression(encoding ?? '', COMPRESSION_NAMES, wire.acceptHeader);
  const late = createAlarm(intake.messageMs);
  const room = createStreamRoom(intake.call, late.ring);
  for await (const frame of frames(intake, late, room)) {
    const [flags] = frame;
    checkFlags(flags!, wire);
    if (flags === 1 && codec === null) throw unannouncedCompression();
    // Flags that other protocols do not have are left to Connect.
    if (flags! > 1) {
      decoded(undefined);
      yield frame;
      continue;
    }
    const payload = frame.subarray(ENVELOPE_BYTES);
    const bytes =
      flags === 1 && codec ? await decompress(codec, payload, messageBytesMax, room.incoming) : payload;
    decoded(await decode(method, bytes, wire.json, STREAM_MESSAGE));
    yield empty;
  }
}

/** Messages with their heads, one at a time. */
async function* frames(intake: StreamIntake, late: Alarm, room: StreamRoom): AsyncIterable<Uint8Array> {
  const { request, messageBytesMax } = intake;
  const framing = createFraming({ bytesMax: messageBytesMax });
  assertByteStreamRequest(request);
  const pieces = request.body[Symbol.asyncIterator]();
  const held = createHold();
  try {
    for (;;) {
      const next = framing.begun ? await late.before(pieces.next()) : await pieces.next();
      if (next.done) break;
      let from = 0;
      for (const end of framing.follow(next.value)) {
        late.off();
        const frame = held.take(next.value.subarray(from, end));
        from = end;
        const waits = room.make(frame.length, frame.length);
        if (waits !== undefined) await waits;
        yield frame;
        room.done();
      }
      if (framing.over) throw tooLarge(messageBytesMax, STREAM_MESSAGE);
      held.add(next.value.subarray(from));
      const waits = room.make(framing.size, framing.got);
      if (waits === undefined) continue;
      // The time that it waits is not its caller's.
      late.off();
      await waits;
    }
    if (framing.begun) throw cutShort(intake.wire.protocol);
  } finally {
    late.off();
    room.done();
    // Not waited for: what is late may never come.
    pieces.return?.().catch(() => {});
  }
}

/** Ends a wait for what has begun and does not come. */
export interface Alarm {
  /** Waits for this, unless the time runs out. The time begins with the first wait. */
  before<T>(next: Promise<T>): Promise<T>;
  /** Ends the wait for another reason. */
  ring(reason: Error): void;
  off(): void;
}

export function createAlarm(ms = BODY_READ_MS): Alarm {
  let timer: NodeJS.Timeout | undefined;
  let rung: Error | undefined;
  /** Ends the latest wait. A promise that all of them raced against would keep something for each piece. */
  let end: ((reason: Error) => void) | undefined;
  const ring = (reason: Error): void => {
    rung = reason;
    end?.(reason);
  };
  return {
    before<T>(next: Promise<T>) {
      if (timer === undefined) {
        timer = setTimeout(() => ring(tooSlow(STREAM_MESSAGE)), ms);
        timer.unref();
      }
      return new Promise<T>((resolve, reject) => {
        end = reject;
        next.then(resolve, reject);
        if (rung !== undefined) reject(rung);
      });
    },
    ring,
    off() {
      clearTimeout(timer);
      timer = undefined;
      end = undefined;
      rung = undefined;
    },
  };
}

/** The beginning of a message. Copied, since pieces can be of one byte each. */
export function createHold() {
  let store = new Uint8Array(0);
  let bytes = 0;
  function add(piece: Uint8Array): void {
    if (bytes + piece.length > store.length) {
      const larger = new Uint8Array(Math.max(bytes + piece.length, 2 * store.length));
      larger.set(store.subarray(0, bytes));
      store = larger;
    }
    store.set(piece, bytes);
    bytes += piece.length;
  }
  return {
    add,
    /** Everything that is held, and this end of it. */
    take(end: Uint8Array): Uint8Array {
      if (bytes === 0) return end;
      add(end);
      const whole = store.subarray(0, bytes);
      store = new Uint8Array(0);
      bytes = 0;
      return whole;
    },
  };
}
