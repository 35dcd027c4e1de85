import type { Message } from '@bufbuild/protobuf';
import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { Principal } from '../../domain/access/principal.ts';
import type { Source } from '../../domain/access/source.ts';
import type { Incoming, Inflow } from './inflow.ts';
import type { Outgoing } from './outbox.ts';

/**
 * Lets a message of a call in: checks the namespace that it names and its rules. Rejects with INVALID;
 * undefined when there is nothing to wait for.
 */
export type Admit = (message: Message) => Promise<void> | undefined;

/** One RPC under way: what its log line will say, and what the layers around its handler agree on. */
export interface Call extends Source {
  /** `carillon.v1.WebhookService/Register`. */
  readonly method: string;
  /** `connect`, `grpc`, `grpc-web`, or `http` for the HTTP faces. */
  readonly protocol: string;
  /** On the monotonic clock. */
  readonly startedAt: number;
  /** What stands before the caller's field paths in the request message, and is not the caller's: `webhook`. */
  hiddenPath: string;
  /** Who calls, once the guard has let the call in. */
  principal?: Principal;
  /** Lets each message in, once the guard has let the call in. */
  admit?: Admit;
  /**
   * Messages that were decoded before Connect got to see them, in order. Connect is given empty ones in
   * their place; undefined stands for a message that it decodes itself.
   */
  readonly decoded: (Message | undefined)[];
  /** Why the call is not let in, or what is wrong with its body; raised before anything is done. */
  refusal?: unknown;
  /** The Connect code, once it is known. */
  code?: string;
  /** Ties an INTERNAL answer to the line about its cause. */
  errorId?: string;
  /** What its answer is sent on: what one connection may leave unread is bounded. */
  readonly connection: object;
  /** Its answer, if that is one message, from before it is made until it is taken. The carrier ends it. */
  outgoing?: Outgoing;
  /** Bounds what its messages take in memory, once the guard has let the call in. */
  inflow?: Inflow;
  /** Its message, if that is one, and large, until it is done. */
  incoming?: Incoming | undefined;
  /** Ends the connection, or the stream, of a caller that takes nothing any more. */
  cutOff?: () => void;
  /** Namespace and ids, for the log line. Never a secret or a payload. */
  readonly fields: Record<string, string | number>;
}

/** Where the call is kept in Connect's context values. Undefined for calls that come by another way than our handler. */
export const callKey = createContextKey<Call | undefined>(undefined, { description: 'the call' });

/** The longest value that a log line takes from a caller. */
const NOTED_LENGTH = 64;

/** Adds to the call's log line. */
export function note(
  context: Pick<HandlerContext, 'values'>,
  fields: Readonly<Record<string, string | number>>,
): void {
  const call = context.values.get(callKey);
  if (call !== undefined) noteFields(call, fields);
}

export function noteFields(call: Call, fields: Readonly<Record<string, string | number>>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'number') call.fields[name] = value;
    else if (value !== '') call.fields[name] = value.slice(0, NOTED_LENGTH);
  }
}
