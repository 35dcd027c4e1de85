/** Between webhooks and their rows. */
import type { Payload } from '../../../domain/webhook/payload.ts';
import type { Webhook, WebhookSpec } from '../../../domain/webhook/webhook.ts';
import type { LaneChange, WebhookUpdate } from '../../store.ts';
import type { LaneRow, UpdateRow } from '../protocol.ts';
import { fromBase64, toBase64 } from './bytes.ts';
import type { WebhookRow } from './tuples.ts';

export function toWebhookRow(webhook: Webhook): WebhookRow {
  const { spec, cursor, health } = webhook;
  return [
    webhook.id,
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
  const [id, namespace, , , state, stateReason, anchorAt, nominalAt, dueAt, fired, skipped] = row;
  const secrets: string[] = JSON.parse(row[17]);
  return {
    id,
    namespace,
    spec: decodeSpec(row[18]),
    sealedSecrets: secrets.map(fromBase64),
    state,
    ...(stateReason !== null && { stateReason }),
    cursor: { anchorAt, nominalAt, dueAt, fired, skipped },
    health: { failingSince: row[11], trips: row[12], openUntil: row[13] },
    filterFailures: row[19],
    createdAt: row[14],
    updatedAt: row[15],
    version: row[16],
  };
}

/** A spec in which payload bytes, the one thing that JSON cannot say, are base64. */
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
    cursorFrom && [cursorFrom.nominalAt, cursorFrom.fired, cursorFrom.skipped],
    resetHealth ? 1 : 0,
  ];
}

export function toLaneRow({ webhookId, health, disable, now }: LaneChange): LaneRow {
  return [webhookId, health.failingSince, health.trips, health.openUntil, disable ?? null, now];
}
