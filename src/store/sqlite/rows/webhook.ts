/** Between webhooks and their rows. */
import type { Payload } from '../../../domain/webhook/payload.ts';
import type { Webhook, WebhookSpec } from '../../../domain/webhook/webhook.ts';
import type { LaneChange } from '../../delivery-queue.ts';
import type { WebhookUpdate } from '../../registrations.ts';
import { fromBase64, toBase64 } from './bytes.ts';
import type { LaneRow, UpdateRow } from './messages.ts';
import { WEBHOOK, type WebhookRow } from './tables.ts';

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
    cursor.anchorAt,
    cursor.nominalAt,
    cursor.dueAt,
    cursor.fired,
    cursor.skipped,
    health.failingSince,
    health.trips,
    health.openUntil,
    webhook.createdAt,
    webhook.updatedAt,
    webhook.version,
    JSON.stringify(webhook.sealedSecrets.map(toBase64)),
    encodeSpec(spec),
    webhook.filterFailures,
  ];
}

export function fromWebhookRow(row: WebhookRow): Webhook {
  const { at } = WEBHOOK;
  const secrets: string[] = JSON.parse(row[at.secrets]);
  const callerId = row[at.callerId];
  const stateReason = row[at.stateReason];
  return {
    id: row[at.id],
    ...(callerId !== null && { callerId }),
    namespace: row[at.namespace],
    spec: decodeSpec(row[at.spec]),
    sealedSecrets: secrets.map(fromBase64),
    state: row[at.state],
    ...(stateReason !== null && { stateReason }),
    cursor: {
      anchorAt: row[at.anchorAt],
      nominalAt: row[at.nominalAt],
      dueAt: row[at.dueAt],
      fired: row[at.fired],
      skipped: row[at.skipped],
    },
    health: { failingSince: row[at.failingSince], trips: row[at.trips], openUntil: row[at.openUntil] },
    filterFailures: row[at.filterFailures],
    createdAt: row[at.createdAt],
    updatedAt: row[at.updatedAt],
    version: row[at.version],
  };
}

/** A spec in which the bytes of a payload are in base64, because JSON cannot hold bytes. */
type WrittenSpec = Omit<WebhookSpec, 'payload'> & {
  readonly payload?: Omit<Payload, 'body'> & { readonly body?: WrittenBody };
};
type WrittenBody =
  | Exclude<Payload['body'], { kind: 'data' } | undefined>
  | { readonly kind: 'data'; readonly base64: string };

function encodeSpec({ payload, ...spec }: WebhookSpec): string {
  if (payload?.body?.kind !== 'data') return JSON.stringify({ ...spec, payload });
  const body: WrittenBody = { kind: 'data', base64: toBase64(payload.body.data) };
  return JSON.stringify({ ...spec, payload: { ...payload, body } } satisfies WrittenSpec);
}

function decodeSpec(text: string): WebhookSpec {
  const { payload, ...spec }: WrittenSpec = JSON.parse(text);
  if (payload === undefined) return spec;
  const { body, ...rest } = payload;
  if (body === undefined) return { ...spec, payload: rest };
  const read = 'base64' in body ? { kind: body.kind, data: fromBase64(body.base64) } : body;
  return { ...spec, payload: { ...rest, body: read } };
}

export function toUpdateRow({ webhook, ifVersion, cursorFrom, resetHealth }: WebhookUpdate): UpdateRow {
  return [
    toWebhookRow(webhook),
    ifVersion,
    cursorFrom === undefined ? null : [cursorFrom.nominalAt, cursorFrom.fired, cursorFrom.skipped],
    resetHealth ? 1 : 0,
  ];
}

export function toLaneRow({ webhookId, health, disable, now }: LaneChange): LaneRow {
  return [webhookId, [health.failingSince, health.trips, health.openUntil], disable ?? null, now];
}
