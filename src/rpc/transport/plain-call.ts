import type { DescMethod, DescService } from '@bufbuild/protobuf';
import {
  type ConnectError,
  type ContextValues,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect';
import { mergeNonProtocolHeaders } from '@connectrpc/connect/protocol';
import { parseTimeout } from '@connectrpc/connect/protocol-connect';
import type { Clock } from '../../domain/clock.ts';
import { type Call, callKey } from './call.ts';
import { finished, tooLate, wentAway } from './failures.ts';
import type { Guard } from './guard.ts';
import type { CallableResponse, NodeRequest } from './node.ts';

/** What all plain calls work with. */
export interface PlainDeps {
  readonly guard: Guard;
  readonly clock: Clock;
}

export interface PlainInit {
  readonly call: Call;
  readonly method: DescMethod;
  readonly request: NodeRequest;
  readonly response: CallableResponse;
  /** Tells the caller of a failure, in its protocol. Called once at most, and not when the caller is gone. */
  readonly tell: (error: ConnectError) => void;
}

/**
 * A call that is served straight from its HTTP request: what its handler sees of it, and how it ends, which
 * is once: with its answer, with a failure, at its deadline, or when its caller goes away.
 *
 * It is a class, and its parts are made when somebody asks for them, because there is one for each
 * call and most handlers ask for none: signals and headers would cost more than the rest of a call.
 */
export class PlainCall implements HandlerContext {
  readonly call: Call;
  readonly method: DescMethod;
  /** Whether it has ended: nothing is to be written any more. */
  ended = false;

  readonly #deps: PlainDeps;
  readonly #init: PlainInit;
  readonly #deadline: number | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #badTimeout: ConnectError | undefined;
  #reason: ConnectError | undefined;
  #controller: AbortController | undefined;
  #values: ContextValues | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;

  constructor(deps: PlainDeps, init: PlainInit) {
    this.#deps = deps;
    this.#init = init;
    this.call = init.call;
    this.method = init.method;
    const { timeoutMs, error } = timeoutOf(init.request);
    this.#badTimeout = error;
    if (timeoutMs !== undefined) {
      this.#deadline = init.call.startedAt + timeoutMs;
      this.#timer = setTimeout(() => this.fail(tooLate()), timeoutMs);
    }
    init.response.once('close', () => this.#leave());
  }

  /** Raises what is wrong with the timeout that the caller asked for, and that it is over. */
  checkTimeout(): void {
    if (this.#badTimeout !== undefined) throw this.#badTimeout;
    const deadline = this.#deadline;
    if (deadline !== undefined && deadline <= this.#deps.clock.monotonic()) throw tooLate();
  }

  /** Ends the call well. Returns whether it had not ended: then its answer is to be written. */
  finish(): boolean {
    if (this.ended) return false;
    this.call.code = 'ok';
    this.#end(FINISHED);
    return true;
  }

  /** Ends the call for a reason, and tells its caller, unless it has ended. */
  fail(reason: unknown): void {
    if (this.ended) return;
    const error = this.#deps.guard.fail(reason, this.call);
    this.#end(error);
    this.#init.tell(error);
  }

  get service(): DescService {
    return this.method.parent;
  }

  get requestMethod(): string {
    return this.#init.request.method ?? '';
  }

  get protocolName(): string {
    return this.call.protocol;
  }

  get url(): string {
    const { request } = this.#init;
    return new URL(request.url ?? '', `http://${request.headers.host ?? 'localhost'}`).toString();
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
    this.#requestHeader ??= fromNode(this.#init.request);
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

  /**
   * What a handler wants to be sent with the answer, or with an error; trailers come with `trailer-` before their
   * names, as in Connect. What an error has of its own is sent unless it is the protocol's.
   */
  sentHeaders(error?: ConnectError): Record<string, string> {
    if (error !== undefined) mergeNonProtocolHeaders(this.responseHeader, error.metadata);
    const sent: Record<string, string> = {};
    for (const [name, value] of this.#responseHeader ?? []) sent[name] = value;
    for (const [name, value] of this.#responseTrailer ?? []) sent[`trailer-${name}`] = value;
    return sent;
  }

  /** The caller is gone, or has its answer. */
  #leave(): void {
    if (this.ended) return;
    this.#end(this.#deps.guard.fail(wentAway(), this.call));
  }

  #end(reason: ConnectError): void {
    this.ended = true;
    this.#reason = reason;
    clearTimeout(this.#timer);
    this.#controller?.abort(reason);
  }
}

const FINISHED = finished();

/** setTimeout fires at once when asked to wait longer, so a longer deadline is none. */
export const TIMEOUT_MS_MAX = 2 ** 31 - 1;

function timeoutOf({ headers }: NodeRequest): ReturnType<typeof parseTimeout> {
  const value = headers['connect-timeout-ms'];
  if (value === undefined || Number(value) > TIMEOUT_MS_MAX) return {};
  return parseTimeout(String(value), TIMEOUT_MS_MAX);
}

function fromNode({ headers }: NodeRequest): Headers {
  const header = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) header.append(name, each);
  }
  return header;
}
