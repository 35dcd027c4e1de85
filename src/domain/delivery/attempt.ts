/** How many bytes of an answer's body are kept, and as many of its headers. */
export const RESPONSE_KEPT_BYTES = 16 * 1024;

/**
 * Why there was no answer, or none that is complete. OAUTH says that there was no token to be let in with, so that
 * nothing was sent. LOCAL is trouble of our own, and PROXY of the egress proxy: they say nothing about the destination,
 * and count for nothing (`isOurs`).
 */
export type ErrorClass =
  | 'TIMEOUT'
  | 'CONNECT'
  | 'DNS'
  | 'TLS'
  | 'RESET'
  | 'PROTOCOL'
  | 'FORBIDDEN_ADDRESS'
  | 'REQUEST'
  | 'OAUTH'
  | 'LOCAL'
  | 'PROXY';

/** How long the parts of an attempt took, in milliseconds; a part that did not happen is undefined. */
export interface Timing {
  readonly dnsMs?: number;
  readonly connectMs?: number;
  readonly tlsMs?: number;
  /** From the connection to the head of the answer. */
  readonly waitMs?: number;
  /** From there to the end of the answer. */
  readonly readMs?: number;
}

/** What is known of every attempt. */
interface Tried {
  readonly startedAt: number;
  readonly durationMs: number;
  readonly timing: Timing;
  /** The address that was connected to, with the port. */
  readonly remoteAddress?: string;
}

/** What came of one POST. A failed POST is a value, not an exception. */
export type Outcome =
  | (Tried & {
      readonly kind: 'answered';
      readonly status: number;
      /** Names in lower case; repeated headers joined with a comma. */
      readonly headers: Readonly<Record<string, string>>;
      /** At most `RESPONSE_KEPT_BYTES`. */
      readonly body: Uint8Array;
      readonly truncated: boolean;
      /** What kept the body from being read to its end. The status counts all the same. */
      readonly bodyFault?: { readonly errorClass: ErrorClass; readonly message: string };
    })
  | (Tried & {
      readonly kind: 'failed';
      readonly errorClass: ErrorClass;
      readonly message: string;
    });

/** Whether it is trouble of our own, which says nothing about who was called. */
export function isOurs(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && (outcome.errorClass === 'LOCAL' || outcome.errorClass === 'PROXY');
}

/** What came of a request of which nothing was sent. */
export function notSent(
  { errorClass, message }: { readonly errorClass: ErrorClass; readonly message: string },
  startedAt: number,
  durationMs = 0,
): Outcome {
  return { kind: 'failed', errorClass, message, startedAt, durationMs, timing: {} };
}

/** One HTTP POST for a delivery; `number` is 1 for the first. */
export interface Attempt {
  readonly number: number;
  /** The request's headers as they were sent: names in lower case, and values, in turn. */
  readonly requestHeaders: readonly string[];
  /** Where it was sent, as its webhook said then. Unknown of attempts that were made before it was kept. */
  readonly url?: string;
  readonly outcome: Outcome;
}
