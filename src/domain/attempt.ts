/** How much of an answer's body is kept, and of its headers. */
export const RESPONSE_KEPT_BYTES = 16 * 1024;

/** Why there was no complete answer. */
export type ErrorClass =
  | 'TIMEOUT'
  | 'CONNECT'
  | 'DNS'
  | 'TLS'
  | 'RESET'
  | 'PROTOCOL'
  | 'FORBIDDEN_ADDRESS'
  | 'REQUEST';

/** What came of one POST. A failed POST is a value, not an exception. */
export type Outcome =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** Names in lower case; repeated headers joined with a comma. */
      readonly headers: Readonly<Record<string, string>>;
      /** At most `RESPONSE_KEPT_BYTES`. */
      readonly body: Uint8Array;
      readonly truncated: boolean;
      readonly startedAt: number;
      readonly durationMs: number;
    }
  | {
      readonly kind: 'failed';
      readonly errorClass: ErrorClass;
      readonly message: string;
      readonly startedAt: number;
      readonly durationMs: number;
    };

/** One HTTP POST for a delivery; `number` is 1 for the first. */
export interface Attempt {
  readonly number: number;
  readonly outcome: Outcome;
}
