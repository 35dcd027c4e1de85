/** How verbs are called here. */
import type { AuditedCall } from '../../domain/access/audit.ts';
import type { Entered } from '../calls/entered.ts';
import type { Answer, Args, Verb } from '../calls/shapes.ts';

/** Verbs that are not run in the order of the others, since they take long or say why the others are not run. */
export type Apart = 'emptyLog' | 'rewrite' | 'checkUp' | 'tidy';
export type InOrder = Exclude<Verb, Apart>;

/** The verbs. One that throws changes nothing, since its transaction is taken back. */
export type Verbs = { [V in InOrder]: (args: Args<V>) => Promise<Answer<V>> };

/** Verbs of which several calls are run as one. */
export type Together = { [V in InOrder]?: (calls: readonly Args<V>[]) => Promise<Answer<V>[]> };

/** One call of a verb, and for whom it is made, if that is to be known. */
export type Call<V extends InOrder = InOrder> = readonly [verb: V, args: Args<V>, by?: AuditedCall];

/** What became of a call. */
export type Reply =
  | {
      readonly ok: true;
      readonly answer: Answer<Verb>;
      /** What was entered in the audit log. */
      readonly entered?: readonly Entered[];
    }
  | { readonly ok: false; readonly kind: 'UNAVAILABLE' | 'FAULT'; readonly message: string };
