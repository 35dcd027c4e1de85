import type { Problems } from '../domain/problems.ts';
import { ringsAlike, sameSchedule } from '../domain/schedule/replacement.ts';
import { scheduleViolations } from '../domain/schedule/rules.ts';
import type { AskedSpec } from '../domain/webhook/asked.ts';
import { type AskedCredentials, credentialHeaders } from '../domain/webhook/credentials.ts';
import { withDefaults } from '../domain/webhook/defaults.ts';
import { sameSpec } from '../domain/webhook/same-spec.ts';
import type { Webhook, WebhookSpec } from '../domain/webhook/webhook.ts';
import { type ChangeDeps, changedTo, changeWebhook, type Target } from './change.ts';
import { heldSecret, withHeldSecret } from './compatibility.ts';
import {
  allKept,
  createVault,
  kept,
  noteAuthViolations,
  noteTlsViolations,
  secretsApart,
  tellUnverified,
} from './credentials.ts';
import type { Needs } from './deps.ts';
import { lastRingViolations, noteSpecViolations } from './spec-rules.ts';

export type UpdateDeps = ChangeDeps &
  Needs<never, 'settings' | 'signingKeyring' | 'sealKey' | 'random' | 'onUnverified'>;

/** How TLS is spoken, and with whom. */
const TLS_FIELDS = ['tls', 'destination'];

/** What a webhook shall be. */
export interface Revision {
  readonly spec: AskedSpec;
  /** The secret of the compatibility signature; undefined for the one that the webhook has. */
  readonly compatibilitySecret?: string | undefined;
  /** Its secret headers; a value that is undefined is kept, and so are all of them when this is. */
  readonly credentials?: AskedCredentials;
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
  const vault = createVault(deps);

  return async (
    target: Target,
    revise: (found: Webhook) => Revision | Promise<Revision>,
  ): Promise<Webhook> => {
    let before: Webhook | undefined;
    const webhook = await changeWebhook(deps, target, async (found, present) => {
      before = found;
      const revision = await revise(found);
      const { spec, credentials: given = allKept(found), problems } = revision;
      const asked = secretsApart({ spec, credentials: given });
      const credentials = kept(asked.credentials, vault.open(found), problems);
      const effective = withDefaults(asked.spec, settings);
      noteAuthViolations(
        credentials,
        problems,
        revision.touched.has('auth') ? settings.addressPolicy : undefined,
      );
      if (TLS_FIELDS.some((field) => revision.touched.has(field))) {
        noteTlsViolations(effective, credentials, { now: present.now, before: found.spec.tls, problems });
      }
      const withSecrets = {
        ...effective,
        headers: { ...effective.headers, ...credentialHeaders(credentials) },
      };
      await check(found, withSecrets, { ...revision, credentials: given }, present.now);
      const stored = vault.stored(found, asked.spec, credentials, found);
      const held = heldSecret(deps, found, effective, revision.compatibilitySecret, problems);
      const keepsSecret = held.compatibilitySecret === found.compatibilitySecret;
      if (keepsSecret && sameSpec(found.spec, stored.spec)) return undefined;
      if (effective.asymmetric) await deps.signingKeyring.ensure(found.namespace);
      const change = changedTo(found, stored, effective, present);
      return { ...change, webhook: withHeldSecret(change.webhook, held) };
    });
    tellUnverified(deps, webhook, before);
    return webhook;
  };

  async function check(
    found: Webhook,
    spec: WebhookSpec,
    { spec: asked, credentials, touched, problems }: Required<Omit<Revision, 'compatibilitySecret'>>,
    now: number,
  ): Promise<void> {
    problems.addAll(lastRingViolations(found.spec, asked));
    const policy = settings.addressPolicy;
    const rules = { problems, policy, now, webhook: found, credentials, only: touched };
    await noteSpecViolations(asked, spec, rules);
    const changesRuns = touched.has('schedule') && !sameSchedule(found.effective.schedule, spec.schedule);
    if (changesRuns && asked.schedule !== undefined && spec.schedule !== undefined) {
      const { schedule } = found.effective;
      const replaced =
        schedule !== undefined && ringsAlike(schedule, spec.schedule) ? { replaced: schedule } : {};
      const rules = { now, everyMinMs: settings.everyMinMs, field: 'schedule', ...replaced };
      problems.addAll(scheduleViolations(spec.schedule, rules));
    }
    problems.raise();
  }
}
