import { ConsentStanding_StateSchema } from '../../../../gen/carillon/v1/consent_pb.ts';
import {
  Limits_OverflowPolicy,
  Payload_EventFormat,
  Payload_EventFormatSchema,
  type Traffic,
  type Webhook,
  Webhook_State,
  Webhook_StateSchema,
} from '../../../../gen/carillon/v1/webhook_pb.ts';
import { MASK } from '../../../domain/webhook/secret-headers.ts';
import { counted, enumName } from '../job.ts';
import type { Style } from '../style.ts';
import { type Column, card, type Paper } from '../table.ts';
import { fromNow, inFull, msOf, span, untilThen } from '../times.ts';
import { schedulePhrase } from './rings.ts';

/** A webhook in a list. */
export function webhookColumns(now: number): readonly Column<Webhook>[] {
  return [
    { title: 'ID', text: ({ id }) => id },
    { title: 'NAME', text: ({ name }) => name, atLeast: 8 },
    { title: 'STATE', text: stateOf, style: ({ state }) => STATE_STYLES[state] },
    { title: 'WARNING', text: ({ warnings }) => warnings.join(', '), style: () => 'bad', rank: 8 },
    { title: 'FAILING', text: (webhook) => failingFor(webhook, now), style: () => 'warn', rank: 6 },
    { title: 'HELD', text: (webhook) => heldFor(webhook, now), style: () => 'warn', rank: 5 },
    { title: 'LAST', text: (webhook) => lastStatusOf(webhook, now), style: lastStyle, rank: 3 },
    { title: 'WAITING', text: waitingOf, align: 'right', rank: 4 },
    { title: 'RINGS', text: rings, atLeast: 9, rank: 2 },
    { title: 'NEXT', text: ({ nextRunTime }) => untilThen(nextRunTime, now), rank: 1 },
    { title: 'DESTINATION', text: ({ destination }) => destination, atLeast: 30, last: true, rank: 7 },
  ];
}

/** A webhook in full; with its secret and how it goes if that is known. */
export function webhookCard(
  webhook: Webhook,
  now: number,
  paper: Paper,
  { secret = '' }: { readonly secret?: string | undefined } = {},
): string {
  const { payload, traffic } = webhook;
  const { schedule, timeout, retryPolicy, limits } = webhook.effective ?? webhook;
  return card(
    [
      ['secret', secret && `${secret} (shown this once)`],
      ['signed with', signedWith(webhook, now)],
      ['id', webhook.id],
      ['uid', webhook.uid === webhook.id ? '' : webhook.uid],
      ['name', webhook.name],
      ['namespace', webhook.namespace],
      ['destination', webhook.destination],
      ['state', stateOf(webhook)],
      ['warning', warningOf(webhook)],
      ['consent', consentOf(webhook, now)],
      ['failing since', inFull(webhook.failingSinceTime, now)],
      ['held', heldUntil(webhook, now)],
      ['last answer', lastAnswerOf(webhook, now)],
      ['waiting', traffic && counted(Number(traffic.waitingCount), 'delivery', 'deliveries')],
      ['rings', rings(webhook)],
      ['filter', webhook.filter],
      ['next run', inFull(webhook.nextRunTime, now)],
      ['runs', schedule && `${webhook.runCount} fired, ${webhook.skippedRunCount} skipped`],
      ['filter failures', webhook.filterFailureCount === 0n ? '' : String(webhook.filterFailureCount)],
      ['asymmetric', webhook.asymmetricSignature ? 'signed with the key of the namespace too' : ''],
      ['compatibility', compatibilityOf(webhook)],
      ['payload', payload && payloadOf(payload)],
      ['headers', entries(webhook.headers)],
      ['secret headers', secrets(webhook.secretHeaders)],
      ['auth', authOf(webhook)],
      ['client certificate', clientOf(webhook, now)],
      ['authorities', webhook.tls?.caBundle ? 'its own, in place of the usual ones' : ''],
      ['header templates', entries(payload?.headerTemplates ?? {})],
      ['timeout', span(timeout)],
      ['attempts', retryPolicy && attemptsOf(retryPolicy)],
      ['limits', limits && limitsOf(limits)],
      ['labels', entries(webhook.labels)],
      ['created', inFull(webhook.createTime, now)],
      ['changed', inFull(webhook.updateTime, now)],
      ['etag', webhook.etag],
    ],
    paper,
  );
}

/** Where the signature of another sender stands, and how. */
function compatibilityOf({ compatibilitySignature: signature }: Webhook): string {
  return signature === undefined ? '' : `${signature.header}: ${signature.value || '{signature}'}`;
}

/** Its secrets, where there are several: one alone is not worth a line. */
function signedWith({ signingSecrets }: Webhook, now: number): string {
  if (signingSecrets.length < 2) return '';
  return signingSecrets
    .map(({ id, expireTime }) => (expireTime ? `${id} until ${inFull(expireTime, now)}` : id))
    .join(', ');
}

/** Nothing where nothing waits: a column of zeros is not worth its width. */
function waitingOf({ traffic }: Webhook): string {
  return traffic === undefined || traffic.waitingCount === 0n ? '' : String(traffic.waitingCount);
}

/** How the last attempt was answered, and when it was made, in a list. */
function lastStatusOf({ traffic }: Webhook, now: number): string {
  if (traffic?.lastAttemptTime === undefined) return '';
  return `${statusOf(traffic)}, ${fromNow(traffic.lastAttemptTime, now)}`;
}

function lastStyle({ traffic }: Webhook): keyof Style | undefined {
  if (traffic?.lastAttemptTime === undefined) return undefined;
  return Math.floor(traffic.lastResponseStatus / 100) === 2 ? undefined : 'warn';
}

function lastAnswerOf({ traffic }: Webhook, now: number): string {
  if (traffic?.lastAttemptTime === undefined) return '';
  const { lastDeliveryId } = traffic;
  return `${statusOf(traffic)}, ${inFull(traffic.lastAttemptTime, now)}${lastDeliveryId && `, ${lastDeliveryId}`}`;
}

function statusOf({ lastResponseStatus }: Traffic): string {
  return lastResponseStatus === 0 ? 'none' : String(lastResponseStatus);
}

const STATE_STYLES: Readonly<Record<number, keyof Style>> = {
  [Webhook_State.ACTIVE]: 'good',
  [Webhook_State.PAUSED]: 'warn',
  [Webhook_State.DISABLED]: 'bad',
};

function stateOf({ state, stateReason }: Webhook): string {
  const name = enumName(Webhook_StateSchema, state);
  return stateReason === '' ? name : `${name} (${stateReason})`;
}

/** How long, without `ago`. */
function failingFor({ failingSinceTime }: Webhook, now: number): string {
  return fromNow(failingSinceTime, now).replace(/ ago$/, '');
}

/** For how long nothing is sent, without `in`. */
function heldFor({ holdEndTime }: Webhook, now: number): string {
  return isAhead(holdEndTime, now) ? fromNow(holdEndTime, now).replace(/^in /, '') : '';
}

function heldUntil({ holdReason, holdEndTime }: Webhook, now: number): string {
  if (!isAhead(holdEndTime, now)) return '';
  return `${HOLDS[holdReason] ?? holdReason} until ${inFull(holdEndTime, now)}`;
}

/** Known reasons in words; a server that is newer may have others. */
const HOLDS: Readonly<Record<string, string>> = {
  NO_CONSENT: 'without the consent of its destination',
  BREAKER_OPEN: 'circuit breaker open',
  RETRY_AFTER: 'as the destination asked (Retry-After)',
};

function isAhead(time: Webhook['holdEndTime'], now: number): boolean {
  const ms = msOf(time);
  return ms !== undefined && ms > now;
}

/** What makes it ring, in a few words. */
function rings({ effective, eventTypes }: Webhook): string {
  const schedule = effective?.schedule;
  const parts = [...(schedule ? [schedulePhrase(schedule)] : []), ...eventTypes];
  return parts.join(', ');
}

function payloadOf({ body, contentType, eventFormat }: NonNullable<Webhook['payload']>): string {
  const format = enumName(Payload_EventFormatSchema, eventFormat);
  const events = eventFormat === Payload_EventFormat.UNSPECIFIED ? '' : `events as ${format}`;
  const own =
    body.case === undefined ? '' : `a ${body.case}${contentType === '' ? '' : ` as ${contentType}`}`;
  return [own, events].filter((part) => part !== '').join(', ');
}

function attemptsOf({ maxAttempts, delays, jitter }: NonNullable<Webhook['retryPolicy']>): string {
  const after = delays.length === 0 ? '' : `, after ${delays.map(span).join(', ')}`;
  const spread = jitter === undefined ? '' : ` ±${Math.round(jitter * 100)} %`;
  return `${maxAttempts ?? delays.length + 1}${after}${spread}`;
}

function limitsOf({
  concurrency,
  rateLimit,
  ordered,
  waitingMax,
  overflowPolicy,
}: NonNullable<Webhook['limits']>): string {
  const rate = rateLimit && `${rateLimit.perSecond} a second, bursts of ${rateLimit.burst}`;
  const first = overflowPolicy === Limits_OverflowPolicy.DROP_NEWEST ? 'newest' : 'oldest';
  const waiting = waitingMax === 0 ? undefined : `${waitingMax} waiting, then the ${first} fail`;
  return [ordered ? 'ordered' : `${concurrency} at once`, rate, waiting]
    .filter((part) => part !== undefined)
    .join(', ');
}

function authOf({ auth }: Webhook): string {
  switch (auth?.method.case) {
    case 'basic': {
      const { username, password } = auth.method.value;
      return `basic ${username}:${MASK}${password?.hint ?? ''}`;
    }
    case 'bearer':
      return `bearer ${MASK}${auth.method.value.token?.hint ?? ''}`;
    case 'oauth2': {
      const { clientId, clientSecret, tokenUrl, scopes } = auth.method.value;
      const asked = scopes.length === 0 ? '' : `, for ${scopes.join(' ')}`;
      return `oauth2 ${clientId}:${MASK}${clientSecret?.hint ?? ''} at ${tokenUrl}${asked}`;
    }
    default:
      return '';
  }
}

/** Whose it is, and until when it can be shown. */
function clientOf({ tls }: Webhook, now: number): string {
  const { subject, sha256Fingerprint, expireTime } = tls?.identity ?? {};
  return subject === undefined
    ? ''
    : `${subject}, until ${inFull(expireTime, now)}, SHA-256 ${sha256Fingerprint}`;
}

/** What the destination has said to being asked. */
function consentOf({ consentStanding: standing }: Webhook, now: number): string {
  if (standing === undefined) return '';
  const { state, reason, allowedRate, askTime, nextAskTime } = standing;
  const bound = allowedRate === 0 ? '' : `, at most ${counted(allowedRate, 'request', 'requests')} a minute`;
  if (nextAskTime === undefined) return `${enumName(ConsentStanding_StateSchema, state)}${bound}`;
  const why = reason === '' ? '' : `: ${reason}`;
  const again = askTime === undefined ? 'asked' : 'asked again';
  return `${enumName(ConsentStanding_StateSchema, state)}${why}; ${again} ${fromNow(nextAskTime, now)}`;
}

function warningOf({ tls }: Webhook): string {
  return tls?.insecureSkipVerify
    ? 'TLS is not verified: whoever is on the way can read and change what is sent; give --tls-ca-bundle'
    : '';
}

function secrets(headers: Webhook['secretHeaders']): string {
  return Object.entries(headers)
    .map(([name, { hint }]) => `${name}=${MASK}${hint}`)
    .join(', ');
}

function entries(map: Readonly<Record<string, string>>): string {
  return Object.entries(map)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}
