import type { Problems } from '../domain/problems.ts';
import { sameSchedule } from '../domain/schedule/replacement.ts';
import { scheduleViolations } from '../domain/schedule/rules.ts';
import type { AskedSpec } from '../domain/webhook/asked.ts';
import { withDefaults } from '../domain/webhook/defaults.ts';
import { sameSpec } from '../domain/webhook/same-spec.ts';
import type { Webhook, WebhookSpec } from '../domain/webhook/webhook.ts';
import { type ChangeDeps, changedTo, changeWebhook, type Target } from './change.ts';
import { heldSecret, withHeldSecret } from './compatibility.ts';
import type { Needs } from './deps.ts';
import { lastRingViolations, noteSpecViolations } from './spec-rules.ts';

export type UpdateDeps = ChangeDeps & Needs<never, 'settings' | 'signingKeyring' | 'sealKey' | 'random'>;

/** What a webhook shall be. */
export interface Revision {
  readonly spec: AskedSpec;
  /** The secret of the compatibility signature; undefined for the one that the webhook has. */
  readonly compatibilitySecret?: string | undefined;
  /** The fields that the caller touches, by their names in the proto file: no others are judged. */
  readonly touched: ReadonlySet<string>;
  /** Has what was found wrong with how it was asked. */
  readonly problems: Problems;
}

/**
 * Changes what was asked for a webhook. `revise` says what it shall be, from what it is; it is called again
 * when somebody changed the webhook meanwhile. Raises INVALID with everything that is wrong in the touched
 * fields, and what `changeWebhook` raises.
 */
export function createUpdate(deps: UpdateDeps) {
  const { settings } = deps;

  return (target: Target, revise: (found: Webhook) => Revision | Promise<Revision>): Promise<Webhook> =>
    changeWebhook(deps, target, async (found, present) => {
      const revision = await revise(found);
      const effective = withDefaults(revision.spec, settings);
      await check(found, effective, revision, present.now);
      const held = heldSecret(deps, found, effective, revision.compatibilitySecret, revision.problems);
      const isKept = held.compatibilitySecret === found.compatibilitySecret;
      if (isKept && sameSpec(found.spec, revision.spec)) return undefined;
      if (effective.asymmetric) await deps.signingKeyring.ensure(found.namespace);
      const change = changedTo(found, revision.spec, effective, present);
      return { ...change, webhook: withHeldSecret(change.webhook, held) };
    });

  async function check(
    found: Webhook,
    spec: WebhookSpec,
    { spec: asked, touched, problems }: Revision,
    now: number,
  ): Promise<void> {
    problems.addAll(lastRingViolations(found.spec, asked));
    const policy = settings.addressPolicy;
    await noteSpecViolations(asked, spec, { problems, policy, now, webhook: found, only: touched });
    const changesRuns = touched.has('schedule') && !sameSchedule(found.effective.schedule, spec.schedule);
    if (changesRuns && asked.schedule !== undefined && spec.schedule !== undefined) {
      const rules = { now, everyMinMs: settings.everyMinMs, field: 'schedule' };
      problems.addAll(scheduleViolations(spec.schedule, rules));
    }
    problems.raise();
  }
}
