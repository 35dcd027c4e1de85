import { create } from '@bufbuild/protobuf';
import {
  type UpdateRequest,
  type UpdateResponse,
  UpdateResponseSchema,
  WebhookSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import { judgeEventTypes } from '../../domain/event/match.ts';
import { validateSchedule } from '../../domain/schedule/rules.ts';
import { replaceSchedule, sameSchedule } from '../../domain/schedule/run-plan.ts';
import type { Webhook, WebhookSpec } from '../../domain/webhook/webhook.ts';
import { defaultSchedule } from '../convert/schedule.ts';
import { specFrom, webhookTo } from '../convert/webhook.ts';
import type { ApiDeps } from '../deps.ts';
import { namespaceOf } from '../namespace.ts';
import { invalidRequest, join, noProblems } from '../problems.ts';
import type { Rules } from '../validate.ts';
import { type ChangeDeps, changeWebhook } from './change.ts';
import { judgeSpec } from './judge.ts';
import { applyMask, readMask, type UpdateMask } from './mask.ts';
import { sameSpec } from './same-spec.ts';

export type UpdateDeps = ChangeDeps & Pick<ApiDeps, 'settings'> & { readonly rules: Rules };

/** Update: changes the masked fields, and judges no others. */
export function updating(deps: UpdateDeps) {
  return async ({ webhook: patch, updateMask }: UpdateRequest): Promise<UpdateResponse> => {
    if (patch === undefined) throw invalidRequest([{ field: 'webhook', description: 'is required' }]);
    const problems = noProblems();
    const namespace = namespaceOf(patch.namespace, 'webhook.namespace', problems);
    if (patch.id === '') problems.add('webhook.id', 'must not be empty');
    if (patch.signing !== undefined) {
      problems.add(
        'webhook.signing',
        'cannot be changed by Update; register the webhook again with its new secret',
      );
    }
    problems.raise();
    const mask = readMask(updateMask, patch);

    const target = { id: patch.id, namespace, etag: patch.etag };
    const webhook = await changeWebhook(deps, target, async (found, now) => {
      const merged = applyMask(webhookTo(found), patch, mask);
      const spec = await judge(found, merged, mask, now);
      if (sameSpec(found.spec, spec)) return undefined;
      const cursor = replaceSchedule(found.id, found.spec.schedule, found.cursor, spec.schedule, now);
      const sameRuns = sameSchedule(found.spec.schedule, spec.schedule);
      return { webhook: { ...found, spec, cursor }, ...(!sameRuns && { cursorFrom: found.cursor }) };
    });
    return create(UpdateResponseSchema, { webhook: webhookTo(webhook) });
  };

  /** What the webhook shall be. Raises INVALID with everything that is wrong in the touched fields. */
  async function judge(
    found: Webhook,
    merged: ReturnType<typeof webhookTo>,
    { touched }: UpdateMask,
    now: number,
  ): Promise<WebhookSpec> {
    const { settings, rules } = deps;
    const field = 'webhook';
    const problems = noProblems();
    // Before the rules of the proto file, which say the same in fewer words.
    problems.addAll(judgeEventTypes(merged.eventTypes, 'webhook.event_types'));
    for (const violation of await rules.violationsOf(WebhookSchema, merged)) {
      problems.add(join(field, violation.field), violation.description);
    }
    const schedule = defaultSchedule(settings.defaultEveryMs);
    const spec = specFrom(merged, { field, problems, schedule });
    await judgeSpec(spec, {
      field,
      problems,
      policy: settings.addressPolicy,
      now,
      headers: merged.headers,
      headerTemplates: merged.payload?.headerTemplates ?? {},
      only: touched,
    });
    const changesRuns = touched.has('schedule') && !sameSchedule(found.spec.schedule, spec.schedule);
    if (changesRuns && merged.schedule !== undefined && spec.schedule !== undefined) {
      const scheduleRules = { now, everyMinMs: settings.everyMinMs, field: 'webhook.schedule' };
      problems.addAll(validateSchedule(spec.schedule, scheduleRules));
    }
    problems.raise();
    return spec;
  }
}
