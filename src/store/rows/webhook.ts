/** Between webhooks and their rows. */

import type { JudgedWebhook } from '../../domain/listing/fields.ts';
import type { RunCursor } from '../../domain/schedule/schedule.ts';
import type { AskedPayload, AskedSpec } from '../../domain/webhook/asked.ts';
import { type DefaultSettings, withDefaults, withoutDefaults } from '../../domain/webhook/defaults.ts';
import type { Payload } from '../../domain/webhook/payload.ts';
import type { Webhook, WebhookSpec } from '../../domain/webhook/webhook.ts';
import type { LaneChange } from '../delivery-queue.ts';
import type { WebhookQuery, WebhookUpdate } from '../registrations.ts';
import { fromBase64, toBase64 } from './bytes.ts';
import { fromConsentRow, toConsentRow } from './consent.ts';
import type { WebhookFilter } from './filters.ts';
import type { LongRowOf } from './layout.ts';
import type { LaneRow, UpdateRow } from './messages.ts';
import { decodeSecrets, encodeSecrets, endOfSecrets } from './secrets.ts';
import { type CursorRow, RINGING, type RingingRow, WEBHOOK, type WebhookRow } from './tables.ts';

export function toWebhookRow(webhook: Webhook): WebhookRow {
  const { spec, cursor, health } = webhook;
  return [
    webhook.id,
    webhook.callerId ?? null,
    webhook.namespace,
    spec.name,
    spec.destination,
    webhook.state,
    webhook.stateReason ?? null,
    ...toCursorRow(cursor),
    health.failingSince,
    health.trips,
    health.openUntil,
    health.holdUntil,
    webhook.healthVersion,
    webhook.createdAt,
    webhook.updatedAt,
    webhook.version,
    encodeSecrets(webhook.secrets),
    encodeSpec(spec),
    webhook.filterFailures,
    spec.limits?.waitingMax ?? null,
    spec.limits?.overflow === 'DROP_NEWEST' ? 1 : 0,
    webhook.sealedCredentials ?? null,
    endOfSecrets(webhook.secrets),
    webhook.compatibilitySecret === undefined ? null : toBase64(webhook.compatibilitySecret),
    spec.tls?.unverified ? 1 : 0,
    ...toConsentRow(webhook.consent),
  ];
}

/** `defaults` apply where a caller said nothing. */
export function fromWebhookRow(row: LongRowOf<typeof WEBHOOK>, defaults: DefaultSettings): Webhook {
  const { at } = WEBHOOK;
  const spec = decodeSpec(row[at.spec], defaults);
  const compatibilitySecret = row[at.compatibilitySecret];
  const sealedCredentials = row[at.credentials];
  const consent = fromConsentRow([row[at.consent], row[at.consentDueAt], row[at.consentSince]]);
  return {
    ...withoutSpec(row),
    namespace: row[at.namespace],
    spec,
    effective: withDefaults(spec, defaults),
    secrets: decodeSecrets(row[at.secrets]),
    ...(compatibilitySecret !== null && { compatibilitySecret: fromBase64(compatibilitySecret) }),
    ...(sealedCredentials?.length && { sealedCredentials }),
    ...(consent !== undefined && { consent }),
    filterFailures: row[at.filterFailures],
    healthVersion: row[at.healthVersion],
    version: row[at.version],
  };
}

/** The same for those who ring it. */
export function fromRingingRow(row: RingingRow, defaults: DefaultSettings): Webhook {
  const state = row[RINGING.at.namespaceState];
  const webhook = fromWebhookRow(row, defaults);
  return state === null || state === 'ACTIVE' ? webhook : { ...webhook, suspended: true };
}

/** What lists are filtered by. Specs can be large, and are read only where that is needed. */
export function judgedFromRow(row: WebhookRow): JudgedWebhook {
  const { at } = WEBHOOK;
  let written: WrittenSpec | undefined;
  const read = (): WrittenSpec => (written ??= JSON.parse(row[at.spec]) as WrittenSpec);
  return {
    ...withoutSpec(row),
    spec: {
      name: row[at.name],
      destination: row[at.destination],
      get eventTypes() {
        return read().eventTypes;
      },
      get labels() {
        return read().labels;
      },
      get tls() {
        return read().tls;
      },
    },
  };
}

function withoutSpec(row: LongRowOf<typeof WEBHOOK>): Omit<JudgedWebhook, 'spec'> {
  const { at } = WEBHOOK;
  const callerId = row[at.callerId];
  const stateReason = row[at.stateReason];
  return {
    id: row[at.id],
    ...(callerId !== null && { callerId }),
    state: row[at.state],
    ...(stateReason !== null && { stateReason }),
    cursor: cursorFrom(row),
    health: {
      failingSince: row[at.failingSince],
      trips: row[at.trips],
      openUntil: row[at.openUntil],
      holdUntil: row[at.holdUntil],
    },
    createdAt: row[at.createdAt],
    updatedAt: row[at.updatedAt],
  };
}

export function toCursorRow(cursor: RunCursor): CursorRow {
  const { anchorAt, nominalAt, dueAt, fired, skipped, movedAt = null, zoneRules = null } = cursor;
  return [anchorAt, nominalAt, dueAt, fired, skipped, movedAt, zoneRules];
}

function cursorFrom(row: LongRowOf<typeof WEBHOOK>): RunCursor {
  const { at } = WEBHOOK;
  const [movedAt, zoneRules] = [row[at.movedAt], row[at.zoneRules]];
  return {
    anchorAt: row[at.anchorAt],
    nominalAt: row[at.nominalAt],
    dueAt: row[at.dueAt],
    fired: row[at.fired],
    skipped: row[at.skipped],
    ...(movedAt !== null && { movedAt }),
    ...(zoneRules !== null && { zoneRules }),
  };
}

/**
 * A spec in which the bytes of a payload are in base64, because JSON cannot hold bytes. `unset` tells it from
 * the specs that versions before wrote, in which defaults stood wherever a caller had said nothing.
 */
type WrittenSpec = Omit<AskedSpec, 'payload'> & {
  readonly unset?: true;
  readonly payload?: Omit<AskedPayload, 'body'> & { readonly body?: WrittenBody };
};
type WrittenBody =
  | Exclude<Payload['body'], { kind: 'data' } | undefined>
  | { readonly kind: 'data'; readonly base64: string };

function encodeSpec({ payload, ...spec }: AskedSpec): string {
  return JSON.stringify({ unset: true, ...spec, ...(payload && { payload: encodePayload(payload) }) });
}

function encodePayload({ body, ...payload }: AskedPayload): WrittenSpec['payload'] {
  if (body === undefined) return payload;
  return { ...payload, body: body.kind === 'data' ? { kind: 'data', base64: toBase64(body.data) } : body };
}

function decodeSpec(text: string, defaults: DefaultSettings): AskedSpec {
  const { unset, payload, ...rest }: WrittenSpec = JSON.parse(text);
  const spec = { ...rest, ...(payload && { payload: decodePayload(payload) }) };
  return unset ? spec : withoutDefaults(spec as WebhookSpec, defaults);
}

function decodePayload({ body, ...payload }: NonNullable<WrittenSpec['payload']>): AskedPayload {
  if (body === undefined) return payload;
  return { ...payload, body: 'base64' in body ? { kind: 'data', data: fromBase64(body.base64) } : body };
}

export function toUpdateRow(update: WebhookUpdate): UpdateRow {
  const { webhook, ifVersion, cursorFrom, resetHealth, resetConsent, changed } = update;
  return [
    toWebhookRow(webhook),
    ifVersion,
    cursorFrom === undefined ? null : [cursorFrom.nominalAt, cursorFrom.fired, cursorFrom.skipped],
    resetHealth ? 1 : 0,
    resetConsent ? 1 : 0,
    changed ?? null,
  ];
}

export function toWebhookFilter(query: WebhookQuery): WebhookFilter {
  const { namespace, after, limit, name, where, by = 'id', descending = false } = query;
  return { namespace, by, descending, from: after, limit, name, where };
}

export function toLaneRow({ webhookId, version, health, disable, now }: LaneChange): LaneRow {
  const { failingSince, trips, openUntil, holdUntil } = health;
  return [webhookId, version, [failingSince, trips, openUntil, holdUntil], disable ?? null, now];
}
