import { failedPrecondition } from '../domain/error.ts';
import { runEventId } from '../domain/id.ts';
import { noProblems, type Problems } from '../domain/problems.ts';
import { toRfc3339 } from '../domain/rfc3339.ts';
import { pastNominals } from '../domain/schedule/past-runs.ts';
import { BUFFER_MAX } from '../domain/schedule/run-plan.ts';
import type { OverlapPolicy, Schedule } from '../domain/schedule/schedule.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import { makeRun, type Run } from '../publish/make-run.ts';
import { createTurns } from '../publish/turns.ts';
import type { WebhookName } from '../store/store.ts';
import { contended, getWebhook, TRIES_MAX } from './change.ts';
import type { Needs } from './deps.ts';
import { checkMayRing } from './namespaces.ts';

export type BackfillDeps = Needs<
  'resolveWebhooks' | 'resolveEvents' | 'backfillRuns',
  'clock' | 'random' | 'namespaces'
>;

/** Runs that one call looks at. */
const RUNS_MAX = 1_000;
/** Runs made and written at a time, so that others have their turn in between. */
const BATCH = 50;
/** Where the schedule's own runs take turns with those of a backfill, half of the places is left to them. */
const SHARED_WAITING_MAX = BUFFER_MAX / 2;

export interface BackfillOrder {
  readonly webhook: WebhookName;
  /** The span, [startAt, endAt). */
  readonly startAt: number;
  readonly endAt: number;
  readonly overlap: Extract<OverlapPolicy, 'BUFFER' | 'ALLOW'>;
  /** Counts, and fires nothing. */
  readonly validateOnly?: boolean;
}

export interface Backfilled {
  /** Runs that were fired, or would be. */
  readonly fired: number;
  /** Runs of the span that had fired before. */
  readonly known: number;
  /** Where to go on, when a bound was reached. */
  readonly nextAt?: number;
}

/**
 * Fires the runs that a past span would have had. One that has fired is not fired again, so the call can be
 * repeated. Raises INVALID with everything that is wrong, NOT_FOUND, FAILED_PRECONDITION for a webhook
 * that is not ACTIVE or has no schedule or whose namespace is suspended, and ABORTED when the webhook is changed again and again meanwhile.
 * Stops between two batches when the caller is gone.
 */
export function createBackfill(deps: BackfillDeps) {
  const { store, clock, random } = deps;

  return async (order: BackfillOrder, signal: AbortSignal, problems = noProblems()): Promise<Backfilled> => {
    check(order, clock.now(), problems);
    const done = { fired: 0, known: 0 };
    let from = order.startAt;
    let tries = 0;
    for (let seen = 0; seen < RUNS_MAX; ) {
      signal.throwIfAborted();
      const ready = await readyWebhook(order.webhook);
      const times = pastRuns(ready, order, from, BATCH);
      const last = times.at(-1);
      if (last === undefined) return done;
      const results = order.validateOnly
        ? await look(ready.webhook, times)
        : await fire(ready, times, order.overlap);
      if (results === 'STALE') {
        if (++tries === TRIES_MAX) throw contended(order.webhook.id);
        continue;
      }
      done.fired += results.filter((result) => result === 'FIRED').length;
      done.known += results.filter((result) => result === 'KNOWN').length;
      const full = results.indexOf('FULL');
      if (full >= 0) return { ...done, nextAt: times[full]! };
      seen += times.length;
      from = last + 1;
    }
    const [nextAt] = pastRuns(await readyWebhook(order.webhook), order, from, 1);
    return nextAt === undefined ? done : { ...done, nextAt };
  };

  async function readyWebhook(name: WebhookName): Promise<Ready> {
    await checkMayRing(deps, name.namespace);
    const webhook = await getWebhook(deps, name);
    const { schedule } = webhook.effective;
    const about = { type: 'Webhook', id: name.id } as const;
    if (webhook.state !== 'ACTIVE') {
      const { state } = webhook;
      const description = `is ${state}; resume it first`;
      throw failedPrecondition('WEBHOOK_NOT_ACTIVE', { ...about, description, metadata: { state } });
    }
    if (schedule === undefined) {
      throw failedPrecondition('WEBHOOK_WITHOUT_SCHEDULE', {
        ...about,
        description: 'has no schedule; only events ring it',
      });
    }
    return { webhook, schedule };
  }

  async function fire(
    { webhook, schedule }: Ready,
    times: readonly number[],
    overlap: BackfillOrder['overlap'],
  ) {
    const now = clock.now();
    const isShared = schedule.overlap === 'BUFFER';
    const turns = createTurns(clock);
    const runs: Run[] = [];
    for (const nominalAt of times) {
      if (turns.isOver()) await turns.next();
      runs.push(makeRun({ webhook, nominalAt, now, random }));
    }
    const [result] = await store.backfillRuns([
      {
        webhookId: webhook.id,
        version: webhook.version,
        takeTurns: overlap === 'ALLOW' ? 'NEVER' : isShared ? 'WITH_SCHEDULE' : 'APART',
        waitingMax: isShared ? SHARED_WAITING_MAX : BUFFER_MAX,
        now,
        runs,
      },
    ]);
    return result ?? 'STALE';
  }

  /** What firing them would do, if there is room. */
  async function look({ id, namespace }: Webhook, times: readonly number[]) {
    const events = times.map((nominalAt) => ({ namespace, id: runEventId(id, nominalAt) }));
    const found = await store.resolveEvents(events);
    return found.map((known) => (known === undefined ? 'FIRED' : 'KNOWN'));
  }
}

interface Ready {
  readonly webhook: Webhook;
  readonly schedule: Schedule;
}

function pastRuns(
  { webhook, schedule }: Ready,
  { endAt }: BackfillOrder,
  from: number,
  count: number,
): number[] {
  return pastNominals(schedule, webhook.cursor, { from, to: endAt, count });
}

function check({ startAt, endAt }: BackfillOrder, now: number, problems: Problems): void {
  if (endAt <= startAt) problems.add('end_time', 'must be after start_time');
  else if (endAt > now) {
    problems.add(
      'end_time',
      `lies in the future; what is to come is the schedule's own. It must be ${toRfc3339(now)} at the latest`,
    );
  }
  problems.raise();
}
