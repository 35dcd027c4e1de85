import type { Random } from '../domain/random.ts';
import { dueAt } from '../domain/schedule/cursor.ts';
import { nextNominal } from '../domain/schedule/occurrences.ts';
import { BUFFER_MAX, leftOut, planRuns, type RunPlan, resumeCursor } from '../domain/schedule/run-plan.ts';
import type { Present, RunCursor, Schedule } from '../domain/schedule/schedule.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import { makeRun } from '../publish/make-run.ts';
import type { OnOverlap, RunFiring } from '../store/intake.ts';
import type { Log } from '../telemetry/log.ts';

/** The firing to write for a webhook; undefined when its schedule is not due, or not due any more. */
export function firingOf(
  webhook: Webhook,
  present: Present,
  deps: { random: Random; log: Log },
): RunFiring | undefined {
  const { schedule } = webhook.effective;
  const { cursor } = webhook;
  const { now } = present;
  if (webhook.state !== 'ACTIVE' || schedule === undefined || cursor.nominalAt === null) return undefined;
  if (webhook.suspended) return leftOutFiring(webhook, schedule, present, deps.log);
  const plan = planFor(webhook, schedule, present, deps.log);
  if (plan === undefined) return undefined;
  const { to } = plan;
  const runs = plan.fire.map((nominalAt) => makeRun({ webhook, nominalAt, now, random: deps.random }));
  return {
    webhookId: webhook.id,
    version: webhook.version,
    from: cursor.nominalAt,
    to,
    onOverlap: onOverlap(schedule, plan.madeUp, leftOut(to, runs.length)),
    now,
    runs,
  };
}

/**
 * What is due while the namespace is suspended is skipped and counted, as while a webhook is paused: its schedule goes on
 * as if every run were to be left out. A run that rings but once stays due.
 */
function leftOutFiring(
  webhook: Webhook,
  schedule: Schedule,
  present: Present,
  log: Log,
): RunFiring | undefined {
  const { id, version, cursor } = webhook;
  const to = orLeftOut(webhook, log, () => resumeCursor(id, schedule, cursor, present));
  if (to === undefined || cursor.nominalAt === null || to.nominalAt === cursor.nominalAt) return undefined;
  const { now } = present;
  return {
    webhookId: id,
    version,
    from: cursor.nominalAt,
    to,
    onOverlap: { policy: 'ALLOW' },
    now,
    runs: [],
  };
}

/**
 * A stored schedule can be unreadable on this platform: an older ICU may not know its zone. Only this webhook
 * must suffer from that, so it is left out.
 */
function orLeftOut<T>({ id }: Webhook, log: Log, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    log.error({ webhookId: id, reason: (error as Error).message }, 'schedule left out: it cannot be read');
    return undefined;
  }
}

function planFor(webhook: Webhook, schedule: Schedule, present: Present, log: Log): RunPlan | undefined {
  return orLeftOut(webhook, log, () => planRuns(webhook.id, schedule, webhook.cursor, present)) ?? undefined;
}

/** `to` is the cursor if the runs are left out. */
function onOverlap({ overlap }: Schedule, madeUp: boolean, to: RunCursor): OnOverlap {
  switch (overlap) {
    case 'SKIP':
      // What makes up for a missed run is not left out for another that does, so these go one after the other.
      return madeUp ? { policy: 'BUFFER', to, waitingMax: BUFFER_MAX } : { policy: overlap, to };
    case 'BUFFER':
      return { policy: overlap, to, waitingMax: BUFFER_MAX };
    case 'SUPERSEDE':
      return madeUp ? { policy: 'SUPERSEDE_IN_TURN', to, waitingMax: BUFFER_MAX } : { policy: overlap };
    case 'ALLOW':
      return { policy: overlap };
    default:
      return overlap satisfies never;
  }
}

/** The cursor after a firing whose runs had all fired before: they were counted then, and end nothing now. */
export function cursorOfKnown({ id, effective }: Webhook, { to, runs }: RunFiring): RunCursor {
  const counted = { ...to, fired: to.fired - runs.length };
  return effective.schedule ? goOn(id, effective.schedule, counted, runs.at(-1)?.event.nominalAt) : counted;
}

/** The cursor, and where it would have ended with runs that do not count, the next after the last of them. */
function goOn(
  webhookId: string,
  schedule: Schedule,
  counted: RunCursor,
  last: number | undefined,
): RunCursor {
  if (counted.nominalAt !== null || last === undefined) return counted;
  const nominalAt = nextNominal(schedule, counted.anchorAt, last);
  if (nominalAt === null) return counted;
  return { ...counted, nominalAt, dueAt: dueAt(webhookId, schedule, counted.anchorAt, nominalAt) };
}
