import type { DescMethod, Message } from '@bufbuild/protobuf';
import { Code, type ConnectError, type Interceptor } from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { invalidRequest } from '../../domain/error.ts';
import { DEFAULT_NAMESPACE } from '../../domain/webhook/webhook.ts';
import { toConnectError } from '../errors.ts';
import type { Rules } from '../validate.ts';
import { type Call, callKey, noteFields } from './call.ts';
import { whyEnded } from './failures.ts';
import { followTaking, STALL_MS } from './stall.ts';

export interface GuardDeps {
  readonly rules: Rules;
  /** Methods whose handlers check the rules themselves, to report them together with their own. */
  readonly selfChecking: ReadonlySet<DescMethod>;
  /** Logs the cause of an INTERNAL answer and returns the id it is logged under. */
  readonly report: (reason: unknown, call: Call | undefined) => string;
  readonly stallMs?: number;
}

/** What every RPC has around it, whichever port and protocol it comes by. */
export interface Guard {
  /** Notes whom a request is about, and checks the rules of its message. Raises INVALID. */
  admit(method: DescMethod, message: Message, call: Call | undefined): Promise<void>;
  /** What the caller is told of a failure, which becomes the code of the call. */
  fail(reason: unknown, call: Call | undefined): ConnectError;
  /** How long a caller may take no message of a stream before it is cut off. */
  readonly stallMs: number;
}

export function createGuard({ rules, selfChecking, report, stallMs = STALL_MS }: GuardDeps): Guard {
  return {
    stallMs,
    async admit(method, message, call) {
      if (call) noteFields(call, subject(message));
      if (selfChecking.has(method)) return;
      const violations = await rules.check(method.input, message);
      if (violations.length > 0) throw invalidRequest(violations);
    },
    fail(reason, call) {
      const error = toConnectError(reason, {
        ...(call && { hiddenPath: call.hiddenPath }),
        report: (cause) => report(cause, call),
      });
      if (call) call.code = codeToString(error.code);
      return error;
    },
  };
}

/** The guard as Connect wants it: with an end at the caller's deadline. */
export function guardInterceptor(guard: Guard): Interceptor {
  return (next) => async (request) => {
    const call = request.contextValues.get(callKey);
    const fail = (reason: unknown): ConnectError => guard.fail(reason, call);
    try {
      let admitted = request;
      if (!request.stream) await guard.admit(request.method, request.message, call);
      else if (request.method.methodKind === 'server_streaming') {
        admitted = {
          ...request,
          message: admitEach(request.message, (one) => guard.admit(request.method, one, call)),
        };
      }
      const response = await endBy(request.signal, () => next(admitted));
      if (response.stream) {
        return { ...response, message: guardStream(response.message, request.signal, call, guard) };
      }
      if (call) call.code = 'ok';
      return response;
    } catch (reason) {
      throw fail(reason);
    }
  };
}

/**
 * Connect tells a handler of its caller's deadline by a signal and leaves it at that. Here the answer
 * is DEADLINE_EXCEEDED, or CANCELED, as soon as the signal fires; what the handler has begun to write
 * may still be written.
 */
async function endBy<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw whyEnded(signal);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(whyEnded(signal));
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([work(), ended]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function* admitEach<T>(
  messages: AsyncIterable<T>,
  admit: (message: T) => Promise<void>,
): AsyncIterable<T> {
  for await (const message of messages) {
    await admit(message);
    yield message;
  }
}

async function* guardStream<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  call: Call | undefined,
  guard: Guard,
): AsyncIterable<T> {
  const stall = followTaking(call, guard.stallMs);
  try {
    for await (const message of messages) {
      stall.sent();
      yield message;
      stall.took();
    }
    // A handler that waits for what comes next just stops at its caller's deadline.
    if (signal.aborted) throw whyEnded(signal);
    if (call) call.code = 'ok';
  } catch (reason) {
    throw guard.fail(reason, call);
  } finally {
    stall.end();
    // The caller stopped reading before the end.
    if (call) call.code ??= codeToString(Code.Canceled);
  }
}

/** Whom a request is about, for the log line: ids and the namespace, wherever a message has them. */
function subject(message: Message): Record<string, string> {
  const fields: Record<string, string> = {};
  const read = (from: object, name: string, as: string) => {
    const value = (from as Record<string, unknown>)[name];
    if (typeof value === 'string') fields[as] = value;
  };
  read(message, 'namespace', 'namespace');
  read(message, 'webhookId', 'webhookId');
  read(message, 'id', idOf(message.$typeName));
  if ('webhook' in message && typeof message.webhook === 'object' && message.webhook !== null) {
    read(message.webhook, 'namespace', 'namespace');
    read(message.webhook, 'id', 'webhookId');
  }
  if ('event' in message && typeof message.event === 'object' && message.event !== null) {
    read(message.event, 'namespace', 'namespace');
    read(message.event, 'id', 'eventId');
    read(message.event, 'type', 'eventType');
  }
  if (fields.namespace === '') fields.namespace = DEFAULT_NAMESPACE;
  return fields;
}

/** What the `id` of a request is of. */
function idOf(typeName: string): string {
  if (typeName.includes('Delivery')) return 'deliveryId';
  return typeName.includes('Event') ? 'eventId' : 'webhookId';
}
