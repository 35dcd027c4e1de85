import { isDeepStrictEqual } from 'node:util';
import { presentOf } from '../domain/clock.ts';
import { HEALTHY, type LaneHealth } from '../domain/delivery/lane.ts';
import { aborted, alreadyExists, type DomainError, notFound } from '../domain/error.ts';
import { replaceSchedule, sameSchedule } from '../domain/schedule/replacement.ts';
import type { Present } from '../domain/schedule/schedule.ts';
import { changedFields } from '../domain/webhook/changed-fields.ts';
import { unasked } from '../domain/webhook/consent.ts';
import { withoutQuery } from '../domain/webhook/destination.ts';
import { checkEtag } from '../domain/webhook/etag.ts';
import { type Webhook, type WebhookSpec, webhookIdOf } from '../domain/webhook/webhook.ts';
import type { WebhookName, WebhookUpdate } from '../store/store.ts';
import type { StoredCredentials } from './credentials.ts';
import type { Needs } from './deps.ts';

/** How often a change is tried again when another one came between reading and writing. */
export const TRIES_MAX = 8;

export type ChangeDeps = Needs<'resolveWebhooks' | 'updateWebhooks' | 'findWebhook', 'clock'>;

/** One webhook that a caller names, by its id or its uid. */
export interface Target extends WebhookName {
  /** The etag that it must have; empty for any. */
  readonly etag?: string;
}

/** What is to become of a webhook. Its version and update time are seen to. */
export interface Change extends Pick<WebhookUpdate, 'cursorFrom' | 'resetHealth' | 'resetConsent'> {
  readonly webhook: Webhook;
}

/** The webhook that a caller means. Raises NOT_FOUND, also for one of another namespace. */
export async function getWebhook(
  { store }: Needs<'resolveWebhooks'>,
  { id, namespace }: WebhookName,
): Promise<Webhook> {
  const [webhook] = await store.resolveWebhooks([{ namespace, id }]);
  if (webhook === undefined) throw notFound('Webhook', id);
  return webhook;
}

/** The webhooks that a caller means, in the same order. Raises NOT_FOUND that names all that there are not. */
export async function getWebhooks(
  { store }: Needs<'resolveWebhooks'>,
  names: readonly WebhookName[],
): Promise<Webhook[]> {
  const found = await store.resolveWebhooks(names);
  const missing = names.filter((_, i) => found[i] === undefined).map(({ id }) => id);
  if (missing.length > 0) throw notFound('Webhook', missing.join(', '));
  return found.flatMap((webhook) => webhook ?? []);
}

/**
 * Reads a webhook, lets `change` make of it what it shall become (undefined: it is that already), and
 * writes it if nobody changed it meanwhile; otherwise does so again, a few times. Raises NOT_FOUND,
 * ABORTED for a stale etag or when others are always faster, ALREADY_EXISTS when another webhook has
 * the new name and destination, and what `change` raises.
 */
export async function changeWebhook(
  deps: ChangeDeps,
  target: Target,
  change: (webhook: Webhook, present: Present) => Change | undefined | Promise<Change | undefined>,
): Promise<Webhook> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const found = await getWebhook(deps, target);
    checkEtag(found, target.etag ?? '');
    const present = presentOf(deps.clock);
    const changed = await change(found, present);
    if (changed === undefined) return found;
    const webhook = { ...changed.webhook, version: found.version + 1, updatedAt: present.now };
    const update = { ...changed, webhook, ifVersion: found.version, changed: changedFields(found, webhook) };
    const [result] = await deps.store.updateWebhooks([update]);
    switch (result) {
      case 'UPDATED':
        return webhook;
      case 'EXISTS': {
        const { name, destination } = webhook.spec;
        const holder = await deps.store.findWebhook({ namespace: target.namespace, name, destination });
        if (holder !== undefined && holder.id !== webhook.id) throw taken(holder);
        break;
      }
      case 'STALE':
      case 'NOT_FOUND':
      case undefined:
        break;
      default:
        result satisfies never;
    }
  }
  throw contended(target.id);
}

/**
 * A webhook of which something else is asked now. Its place in its schedule stays where that is the same, and
 * so does what is known of its destination. What gets tokens or speaks TLS otherwise is tried at once: whoever has
 * mended it does not wait for a probe. What the destination asked for (Retry-After) stands.
 */
export function changedTo(
  found: Webhook,
  stored: StoredCredentials,
  effective: WebhookSpec,
  present: Present,
): Change {
  const { schedule } = found.effective;
  const cursor = replaceSchedule(found.id, schedule, found.cursor, effective.schedule, present);
  const isElsewhere = found.effective.destination !== effective.destination;
  const isMended = !isElsewhere && isLetInOtherwise(found, stored);
  const { holdUntil } = found.health;
  const { sealedCredentials: _, ...before } = isElsewhere
    ? wellAgain(found)
    : isMended
      ? wellAgain(found, { ...HEALTHY, holdUntil })
      : found;
  const { webhook, ...reset } = askedAnew({ ...before, ...stored, effective, cursor }, found, present.now);
  return {
    ...reset,
    webhook,
    ...((isElsewhere || isMended) && { resetHealth: true }),
    ...(!sameSchedule(schedule, effective.schedule) && { cursorFrom: found.cursor }),
  };
}

/** What the destination has said holds for it, and for what it was asked. */
function askedAnew(
  { consent: said, ...webhook }: Webhook,
  { effective: before }: Webhook,
  now: number,
): Pick<Change, 'webhook' | 'resetConsent'> {
  const { effective } = webhook;
  const isSame =
    before.destination === effective.destination && isDeepStrictEqual(before.consent, effective.consent);
  if (isSame) return { webhook: { ...webhook, ...(said !== undefined && { consent: said }) } };
  if (effective.consent === undefined) return { webhook, resetConsent: true };
  return { webhook: { ...webhook, consent: unasked(now, webhook.version + 1) }, resetConsent: true };
}

function isLetInOtherwise(a: Pick<Webhook, 'spec'>, b: Pick<Webhook, 'spec'>): boolean {
  if (!isDeepStrictEqual(a.spec.tls, b.spec.tls)) return true;
  const [before, after] = [a.spec.auth, b.spec.auth];
  const isAbout = before?.kind === 'oauth2' || after?.kind === 'oauth2';
  return isAbout && !isDeepStrictEqual(before, after);
}

/** The webhook with a health that begins anew with its next version. */
export function wellAgain(webhook: Webhook, health: LaneHealth = HEALTHY): Webhook {
  return { ...webhook, health, healthVersion: webhook.version + 1 };
}

export function contended(id: string): DomainError {
  const description = `was changed by others ${TRIES_MAX} times in a row; try again`;
  return aborted('CONTENDED', { type: 'Webhook', id, description });
}

/** The name and the destination that a caller wants are those of another webhook. */
export function taken(holder: Webhook): DomainError {
  const { name, destination } = holder.spec;
  const id = webhookIdOf(holder);
  const message = `webhook ${id} has the name ${JSON.stringify(name)} and the destination ${withoutQuery(destination)} already`;
  return alreadyExists('Webhook', id, message);
}
