import type { ConnectError } from '@connectrpc/connect';
import type { Incoming } from '../transport/inflow.ts';

/** What hears of a call's messages. All of it is called at once, or never again. */
export interface Reader {
  message(bytes: Uint8Array, incoming?: Incoming): void;
  /**
   * Bytes have come, before any message that is made of them: whether the end of a message was among them, and
   * whether the last of them are the beginning of one.
   */
  bytes?(whole: boolean, begun: boolean): void;
  /** The caller has said everything. */
  done(): void;
  /** What comes next cannot be read. The call has not ended. */
  failed(reason: ConnectError): void;
  /** Nothing will be heard any more. */
  ended(reason: ConnectError): void;
}

/** Something that a message arrives for. */
export interface Receiving {
  /** When the message began to arrive, on the monotonic clock; undefined while none does. */
  readonly since: number | undefined;
  /** It takes too long. */
  failSlow(): void;
}
