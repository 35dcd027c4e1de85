import { isDeepStrictEqual } from 'node:util';
import { sameSchedule } from '../schedule/run-plan.ts';
import type { Payload } from './payload.ts';
import type { WebhookSpec } from './webhook.ts';

/** Whether two callers asked for the same. */
export function sameSpec(a: WebhookSpec, b: WebhookSpec): boolean {
  return sameSchedule(a.schedule, b.schedule) && isDeepStrictEqual(comparable(a), comparable(b));
}

/** Everything but the schedule, with absent and undefined made one, and bytes of one kind. */
function comparable(spec: WebhookSpec): unknown {
  const { schedule: _, payload, limits, ...rest } = spec;
  return {
    ...rest,
    eventTypes: [...spec.eventTypes],
    retryPolicy: { ...spec.retryPolicy, delaysMs: [...spec.retryPolicy.delaysMs] },
    limits: { concurrency: limits.concurrency, ordered: limits.ordered, rate: limits.rate },
    filter: spec.filter,
    payload: payload && { ...payload, body: comparableBody(payload) },
  };
}

function comparableBody({ body }: Payload): unknown {
  return body?.kind === 'data' ? { kind: body.kind, data: new Uint8Array(body.data) } : body;
}
