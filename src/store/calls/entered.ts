import { type AuditedCall, type Changes, joined, NO_CHANGES } from '../../domain/access/audit.ts';
import { type FindWebhook, isChanging, MADE, type Made } from './made.ts';
import type { Answer, Args, Verb } from './shapes.ts';

/** What a call of a verb changed in a namespace; null is none. */
export type Entered = readonly [namespace: string | null, changes: Changes];

/** What one call of the API changed in one namespace, in one transaction. */
export interface Addition {
  readonly by: AuditedCall;
  readonly namespace: string | null;
  readonly changes: Changes;
}

/** What a call of a verb changed, by what it was given and what it answered. */
export function enteredBy<V extends Verb>(
  by: AuditedCall,
  verb: V,
  args: Args<V>,
  answer: Answer<V>,
  find: FindWebhook,
): Entered[] {
  if (!isChanging(verb)) return [];
  // The compiler cannot see that arguments and answer are those of the verb.
  const made = MADE[verb] as (args: Args<V>, answer: Answer<V>, find: FindWebhook) => Made[];
  const all = new Map<string | null, Changes>();
  for (const [at, change] of made(args, answer, find)) {
    const namespace = at === undefined ? (by.namespace ?? null) : at;
    all.set(namespace, joined(all.get(namespace) ?? NO_CHANGES, { first: [change], count: 1 }));
  }
  return [...all];
}

/** All that calls of the API changed in a transaction: one addition for each, and each namespace. */
export function createAdditions(): {
  readonly add: (by: AuditedCall, entered: readonly Entered[]) => void;
  readonly all: () => Iterable<Addition>;
} {
  const additions = new Map<string, Addition>();
  return {
    add(by, entered) {
      for (const [namespace, changes] of entered) {
        const key = JSON.stringify([by.id, namespace]);
        const before = additions.get(key)?.changes ?? NO_CHANGES;
        additions.set(key, { by, namespace, changes: joined(before, changes) });
      }
    },
    all: () => additions.values(),
  };
}
