import { constants, type ServerHttp2Stream } from 'node:http2';
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  type ConnectError,
  type ContextValues,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect';
import type { Metadata, ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { Clock } from '../../domain/clock.ts';
import { type Call, callKey } from '../transport/call.ts';
import type { CallLog } from '../transport/call-log.ts';
import {
  cutShort,
  finished,
  strangeFlags,
  tooLate,
  tooSlow,
  unannouncedCompression,
  wentAway,
} from '../transport/failures.ts';
import { createFraming, type Framing } from '../transport/framing.ts';
import type { Guard } from '../transport/guard.ts';
import { UNCOUNTED_BYTES } from '../transport/inflow.ts';
import type { Arrival } from './arrival.ts';
import type { NativeLimits } from './limits.ts';
import type { Reader, Receiving } from './reader.ts';
import { boundDecompression, Rooms } from './rooms.ts';
import { closeLater } from './session.ts';
import { fromGrpcJs, fromMetadata, type NewMetadata, type Status, statusOf, toMetadata } from './status.ts';

/** What the calls of a port have in common. */
export interface ExchangeDeps {
  readonly guard: Guard;
  readonly clock: Clock;
  readonly logCall: CallLog;
  readonly limits: NativeLimits;
  readonly messageBytesMax: number;
  readonly newMetadata: NewMetadata;
  /** What waits for a message, which may take so long to arrive. */
  readonly receiving: Set<Receiving>;
  /** Calls that have begun and not ended. */
  readonly inFlight: Set<Exchange>;
}

type Listener = Parameters<ServerInterceptingCallInterface['start']>[0];

/**
 * One call: what grpc-js tells of it, what its handler sees of it, and how it ends, which is once.
 *
 * It is a class, and its parts are made when somebody asks for them, because there is one for each
 * call and most handlers ask for none: signals and headers would cost more than the rest of a call.
 */
export class Exchange implements HandlerContext, Listener, Receiving {
  readonly call: Call;
  readonly method: DescMethod;
  /** Whether it has ended: nothing can be sent or read any more. */
  ended = false;

  readonly #deps: ExchangeDeps;
  readonly #base: ServerInterceptingCallInterface;
  readonly #stream: ServerHttp2Stream;
  readonly #deadline: number | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #framing: Framing;
  readonly #compressible: boolean;
  /** Of messages that have not been handed on. */
  readonly #rooms: Rooms;
  /** Messages that were handed on. */
  #received = 0;
  #reader: Reader | undefined;
  #metadata: Metadata | undefined;
  /** The caller has said everything. */
  #heard = false;
  #headersSent = false;
  #unwritten = 0;
  #writable: PromiseWithResolvers<void> | undefined;
  #reason: ConnectError | undefined;
  #controller: AbortController | undefined;
  #values: ContextValues | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;

  constructor(deps: ExchangeDeps, base: ServerInterceptingCallInterface, arrival: Arrival) {
    const startedAt = deps.clock.monotonic();
    const { timeoutMs } = arrival;
    this.#deps = deps;
    this.#base = base;
    this.#stream = arrival.stream;
    this.#compressible = arrival.compressible;
    this.#framing = createFraming({ flagsMax: arrival.compressible ? 1 : 0 });
    this.method = arrival.spec.method;
    this.call = {
      method: arrival.name,
      protocol: 'grpc',
      hiddenPath: '',
      startedAt,
      ...deps.guard.sourceOf(arrival.stream.session?.socket ?? {}, arrival.head.headers),
      connection: arrival.stream.session ?? arrival.stream,
      // Clients know it as RESOURCE_EXHAUSTED (gRPC over HTTP/2, "Errors"). A status would wait behind
      // what is not read.
      cutOff: () => arrival.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM),
      decoded: [],
      fields: {},
    };
    this.#rooms = new Rooms(this, arrival, deps.clock);
    if (timeoutMs !== undefined) {
      this.#deadline = startedAt + timeoutMs;
      this.#timer = setTimeout(() => this.fail(tooLate()), timeoutMs);
    }
  }

  /** Begins to listen. What is heard goes to the reader, a message for each `read`. */
  start(reader: Reader): void {
    this.#reader = reader;
    this.#deps.inFlight.add(this);
    this.#stream.once('close', () => this.call.outgoing?.end());
    const base = this.#base;
    const { sendStatus } = base;
    // grpc-js ends some calls on its own, for a message that is too large say. It does so with this
    // method, past every interceptor.
    base.sendStatus = (status) => {
      if (this.ended) return sendStatus.call(base, status);
      const failure = fromGrpcJs(status as Status, this.method, this.#deps.messageBytesMax);
      if (!failure.reading) return this.fail(failure.error);
      this.#stream.pause();
      reader.failed(failure.error);
    };
    // grpc-js looks at the bytes first and makes messages of them later.
    const framing = this.#framing;
    this.#stream.on('data', (piece: Uint8Array) => {
      const whole = framing.follow(piece).length > 0;
      if (framing.size > UNCOUNTED_BYTES) this.#rooms.make(framing.count, framing.size, framing.got);
      reader.bytes?.(whole, framing.begun);
    });
    if (this.#compressible) boundDecompression(base, this.#rooms, this.#deps.messageBytesMax);
    base.start(this);
    // It says nothing at all of a call that was cancelled so soon.
    if (this.#metadata === undefined) this.onCancel();
  }

  /** Asks for a message, or for the end of them. */
  read(): void {
    this.#base.startRead();
  }

  /** Sends a message. Returns what to wait for before the next, if its reader is slow. */
  send<Desc extends DescMessage>(type: Desc, message: MessageInitShape<Desc>): Promise<void> | undefined {
    if (this.ended) return undefined;
    const bytes = toBinary(type, create(type, message));
    if (!this.#headersSent) this.#sendHeaders();
    this.#unwritten += bytes.length;
    this.call.outgoing?.wrote(bytes.length);
    this.#base.sendMessage(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), () => {
      this.#unwritten -= bytes.length;
      if (this.#unwritten <= this.#deps.limits.writeAheadBytes) this.#writable?.resolve();
    });
    if (this.#unwritten <= this.#deps.limits.writeAheadBytes) return undefined;
    this.#writable = Promise.withResolvers();
    return this.#writable.promise;
  }

  /** Ends the call well, unless it has ended. */
  finish(): void {
    if (this.ended) return;
    if (!this.#headersSent) this.#sendHeaders();
    const trailer = this.#responseTrailer;
    const status =
      trailer === undefined ? OK : { ...OK, metadata: toMetadata(trailer, this.#deps.newMetadata) };
    this.call.code = 'ok';
    this.#end(FINISHED, status);
  }

  /** Ends the call for a reason, unless it has ended. */
  fail(reason: unknown): void {
    if (this.ended) return;
    const { guard, newMetadata } = this.#deps;
    let error = guard.fail(reason, this.call);
    let status: Status;
    try {
      if (!this.#headersSent) this.#sendHeaders();
      status = statusOf(error, this.#responseTrailer, newMetadata);
    } catch (unsendable) {
      error = guard.fail(unsendable, this.call);
      status = statusOf(error, undefined, newMetadata);
    }
    this.#end(error, status);
  }

  get since(): number | undefined {
    return this.arrivingSince(this.call.startedAt);
  }

  /** Since when a message arrives that began at a time; undefined while it waits for room. */
  arrivingSince(begunAt: number): number | undefined {
    return this.#rooms.since(begunAt);
  }

  /** Ends the call because its one message takes too long. */
  failSlow(): void {
    this.fail(tooSlow());
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.#metadata = metadata;
  }

  onReceiveMessage(bytes: Buffer): void {
    const index = this.#received++;
    const { strange } = this.#framing;
    if (strange !== undefined && strange.index <= index) {
      this.#reader?.failed(strange.flags === 1 ? unannouncedCompression() : strangeFlags(strange.flags));
      return;
    }
    // Not as a Buffer, which the bytes of a message would become as well: its slice() does not copy.
    const incoming = this.#rooms.take(index, bytes.byteLength);
    this.#reader?.message(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), incoming);
  }

  onReceiveHalfClose(): void {
    const { methodKind } = this.method;
    if (methodKind === 'unary' || methodKind === 'server_streaming') this.#hearEnd();
    // Node, as a client, says that it has said everything and then that it cancels, in one write. What
    // was cut off must not be taken for the whole.
    else setImmediate(() => this.#hearEnd());
  }

  /** Also comes after every end of ours. */
  onCancel(): void {
    if (this.ended) return;
    this.#end(this.#deps.guard.fail(wentAway(), this.call), undefined);
  }

  get service(): DescService {
    return this.method.parent;
  }

  get requestMethod(): string {
    return 'POST';
  }

  get protocolName(): string {
    return 'grpc';
  }

  get url(): string {
    return `http://${this.#base.getHost()}/${this.call.method}`;
  }

  /** Fires when the call has ended, in whichever way. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.ended) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get timeoutMs(): () => number | undefined {
    const deadline = this.#deadline;
    return () => (deadline === undefined ? undefined : deadline - this.#deps.clock.monotonic());
  }

  get values(): ContextValues {
    this.#values ??= createContextValues().set(callKey, this.call);
    return this.#values;
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= fromMetadata(this.#metadata ?? this.#deps.newMetadata());
    return this.#requestHeader;
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers();
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers();
    return this.#responseTrailer;
  }

  #hearEnd(): void {
    if (this.#stream.closed) return;
    this.#heard = true;
    if (this.#framing.begun) this.#reader?.failed(cutShort(this.call.protocol));
    else this.#reader?.done();
  }

  #sendHeaders(): void {
    this.#headersSent = true;
    if (this.#responseHeader === undefined) return;
    this.#base.sendMetadata(toMetadata(this.#responseHeader, this.#deps.newMetadata));
  }

  #sendStatus(status: Status): void {
    try {
      this.#base.sendStatus(status);
    } catch (unsendable) {
      this.#deps.guard.fail(unsendable, this.call);
      this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    }
    // The status of a failure waits behind what is not read, which may be for ever.
    const stuck = status.code !== OK.code && this.#unwritten > 0;
    if (stuck || !this.#heard) closeLater(this.#stream, this.#deps.limits);
  }

  /** Without a status when the caller is gone. */
  #end(reason: ConnectError, status: Status | undefined): void {
    this.ended = true;
    this.#reason = reason;
    clearTimeout(this.#timer);
    this.#deps.receiving.delete(this);
    this.#deps.inFlight.delete(this);
    this.#rooms.end();
    if (status !== undefined) this.#sendStatus(status);
    this.#writable?.resolve();
    this.#reader?.ended(reason);
    this.#controller?.abort(reason);
    this.#deps.logCall(this.call, 'unknown');
  }
}

// A success has no message.
const OK: Status = { code: 0, details: '' };

const FINISHED = finished();
