/** The messages between the two threads. */
import type { AuditedCall } from '../../domain/access/audit.ts';
import type { Entered } from '../calls/entered.ts';
import type { Answer, Args, Verb } from '../calls/shapes.ts';
import type { WaitingRow } from '../rows/tables.ts';

/** The verbs, as the worker implements them. One that throws changes nothing. */
export type Verbs = { [V in Verb]: (args: Args<V>) => Answer<V> };

/** Verbs that SQLite does not run in a transaction. They come after the others of their group. */
export const OUTSIDE: ReadonlySet<Verb> = new Set<Verb>(['emptyLog', 'rewrite', 'checkUp', 'tidy']);

/** One call of a verb, and for whom it is made, if that is to be known. */
export type Call<V extends Verb = Verb> = readonly [verb: V, args: Args<V>, by?: AuditedCall];

/** A message to the worker: calls to answer after one commit, or the order to let the database go. */
export type Request = { readonly calls: readonly Call[] } | 'close';

/** What became of one call. */
export type Reply =
  | {
      readonly ok: true;
      readonly answer: Answer<Verb>;
      /** What was entered in the audit log. */
      readonly entered?: readonly Entered[];
    }
  | { readonly ok: false; readonly failure: Failure };

/** `UNAVAILABLE`: the database could not do it now. `FAULT`: a mistake in the program. */
export interface Failure {
  readonly kind: 'UNAVAILABLE' | 'FAULT';
  readonly message: string;
}

/** A message from the worker: first whether it could open the database, then replies in the order of calls. */
export type Response =
  /** `ending` are deliveries that were to be given up when the last process ended. */
  | { readonly kind: 'opened'; readonly ending: readonly WaitingRow[]; readonly warnings: readonly string[] }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'replies'; readonly replies: readonly Reply[] };
