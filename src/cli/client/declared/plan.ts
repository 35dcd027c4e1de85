import type { Webhook } from '../../../../gen/carillon/v1/webhook_pb.ts';
import type { Connection } from '../connect.ts';
import { compare, type Ownership, type Registration, type Verdict } from './compare.ts';
import type { Declared } from './declared.ts';
import { ownedBy } from './owner.ts';
import type { Problem } from './source-line.ts';

/** A webhook of the set that is declared no more. */
export interface Removal {
  readonly action: 'remove';
  readonly webhook: Webhook;
}

export type Change = Registration | Removal;

/** What is to be done, and with what it would leave. */
export interface Plan {
  /** In the order in which it can be done. */
  readonly changes: readonly Change[];
  readonly unchanged: readonly { readonly declared: Declared; readonly id: string }[];
  /** Webhooks of the set that are declared no more, and stay. */
  readonly leftOver: readonly Webhook[];
  readonly problems: readonly Problem[];
}

export interface PlanOptions extends Ownership {
  /** Whether webhooks of the set that are declared no more are removed. */
  readonly prune: boolean;
  /** Where to look for them, beside the namespaces of what is declared. */
  readonly namespace: string;
}

/** Calls under way at once. */
const CALLS_MAX = 8;

/** Compares all that is declared with what there is. Nothing is changed. */
export async function makePlan(
  connection: Connection,
  declared: readonly Declared[],
  options: PlanOptions,
): Promise<Plan> {
  const verdicts = await mapBounded(declared, CALLS_MAX, (one) => compare(connection, one, options));
  const gone = await undeclared(connection, declared, verdicts, options);
  const removals = options.prune ? gone.map((webhook): Removal => ({ action: 'remove', webhook })) : [];
  const { changes, problems } = inOrder(verdicts, removals, options.prune ? [] : gone);
  return {
    changes,
    unchanged: verdicts.filter((verdict) => verdict.kind === 'unchanged'),
    leftOver: options.prune ? [] : gone,
    problems: [
      ...verdicts.flatMap((verdict) => (verdict.kind === 'refused' ? verdict.problems : [])),
      ...problems,
    ],
  };
}

/** The webhooks of the set that nobody declares. */
async function undeclared(
  connection: Connection,
  declared: readonly Declared[],
  verdicts: readonly Verdict[],
  { owner, namespace }: PlanOptions,
): Promise<Webhook[]> {
  if (owner === undefined) return [];
  const namespaces = new Set([namespace, ...declared.map(({ webhook }) => webhook.namespace)]);
  const owned = await Promise.all([...namespaces].map((each) => ownedBy(connection, each, owner)));
  const kept = new Set([
    ...declared.map(({ webhook }) => webhook.id),
    ...verdicts.map((verdict) => (verdict.kind === 'unchanged' ? verdict.id : requestedId(verdict))),
  ]);
  const found = new Map(owned.flat().map((webhook) => [webhook.uid, webhook]));
  return [...found.values()].filter(({ id, uid }) => !kept.has(id) && !kept.has(uid));
}

function requestedId(verdict: Verdict): string {
  return 'registration' in verdict ? verdict.registration.request.id : '';
}

/** Webhooks that give up their names and destinations go before those that take them. */
function inOrder(
  verdicts: readonly Verdict[],
  removals: readonly Removal[],
  leftOver: readonly Webhook[],
): { changes: Change[]; problems: Problem[] } {
  const free = verdicts.flatMap((verdict) => (verdict.kind === 'registration' ? [verdict.registration] : []));
  const changes: Change[] = [...free, ...removals];
  const done = new Set(changes.flatMap(idsOf));
  let waiting = verdicts.filter((verdict) => verdict.kind === 'blocked');
  for (let before = -1; waiting.length !== before; ) {
    before = waiting.length;
    const [now, later] = [true, false].map((ready) =>
      waiting.filter(({ holder }) => done.has(holder) === ready),
    );
    for (const { registration } of now!) {
      changes.push(registration);
      done.add(registration.request.id);
    }
    waiting = later!;
  }
  const waitingFor = new Set(waiting.map(({ registration }) => registration.request.id));
  const problems = waiting.map(({ registration: { declared }, holder, message }): Problem => {
    const hint = leftOver.some(({ id, uid }) => id === holder || uid === holder)
      ? '; it is declared no more, and --prune removes it first'
      : waitingFor.has(holder)
        ? '; the two wait for each other: give one of them another name or destination first'
        : '';
    return { at: declared.lineOf(['name']), message: message + hint };
  });
  return { changes, problems };
}

function idsOf(change: Change): string[] {
  return change.action === 'remove' ? [change.webhook.id, change.webhook.uid] : [change.request.id];
}

/** Does something for each, so many at once, and keeps the order. */
async function mapBounded<From, To>(
  items: readonly From[],
  bound: number,
  make: (item: From) => Promise<To>,
): Promise<To[]> {
  const made: To[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      made[i] = await make(items[i]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(bound, items.length) }, work));
  return made;
}
