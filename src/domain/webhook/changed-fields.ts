import type { LaneHealth } from '../delivery/lane.ts';
import { differing } from '../differing.ts';
import type { AskedSpec } from './asked.ts';
import { comparable } from './same-spec.ts';
import type { Webhook } from './webhook.ts';

/** What a change of a webhook changes, in names of fields and in ids; no value of any field is in it. */
export interface FieldChanges {
  /** As the proto file names them. */
  readonly fields: readonly string[];
  /** The ids of its signing secrets before and after, where those changed. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
}

export function changedFields(before: Webhook, after: Webhook): FieldChanges {
  const fields = differing(comparable(before.spec), comparable(after.spec)).map(
    (name) => SPEC_FIELDS[name as keyof AskedSpec],
  );
  if (before.state !== after.state) fields.push('state');
  if (before.consent?.since !== after.consent?.since) fields.push('consent_standing');
  for (const name of differing(before.health, after.health)) {
    const field = HEALTH_FIELDS[name as keyof LaneHealth];
    if (field !== undefined) fields.push(field);
  }
  if (
    before.compatibilitySecret !== after.compatibilitySecret &&
    !fields.includes(SPEC_FIELDS.compatibility)
  ) {
    fields.push(SPEC_FIELDS.compatibility);
  }
  if (before.secrets === after.secrets) return { fields };
  return { fields: [...fields, 'signing_secrets'], before: idsOf(before), after: idsOf(after) };
}

const SPEC_FIELDS: Readonly<Record<keyof AskedSpec, string>> = {
  name: 'name',
  destination: 'destination',
  schedule: 'schedule',
  eventTypes: 'event_types',
  filter: 'filter',
  payload: 'payload',
  headers: 'headers',
  secretHeaders: 'secret_headers',
  auth: 'auth',
  tls: 'tls',
  consent: 'consent',
  timeoutMs: 'timeout',
  retryPolicy: 'retry_policy',
  limits: 'limits',
  labels: 'labels',
  asymmetric: 'asymmetric_signature',
  compatibility: 'compatibility_signature',
};

/** How often a breaker opened is no field of its own. */
const HEALTH_FIELDS: Readonly<Record<keyof LaneHealth, string | undefined>> = {
  failingSince: 'failing_since_time',
  trips: undefined,
  openUntil: 'probe_time',
  holdUntil: 'hold_end_time',
};

function idsOf({ secrets }: Webhook): string[] {
  return secrets.map(({ id }) => id);
}
