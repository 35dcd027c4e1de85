import type { Option } from '../command.ts';

/** How what is written becomes JSON for the API. */
export type FieldKind =
  /** As it is. */
  | { readonly kind: 'text' }
  /** As it is, or from `@file`, without the line break at its end if that is not wanted. */
  | { readonly kind: 'content'; readonly line: boolean }
  /** Bytes of a file, in base64. */
  | { readonly kind: 'bytes' }
  | { readonly kind: 'number' }
  /** `5s`, `10m` */
  | { readonly kind: 'duration' }
  /** RFC 3339, or a duration from now. */
  | { readonly kind: 'time' }
  | { readonly kind: 'switch' }
  /** One of these words, in any case, for the name in the proto file that begins so. */
  | { readonly kind: 'word'; readonly words: readonly string[]; readonly prefix: string }
  /** Each adds to a list. */
  | { readonly kind: 'texts' }
  | { readonly kind: 'durations' }
  /** `name=value`, each an entry of a map. */
  | { readonly kind: 'entries' }
  /** The same with the value in a message of its own, or from `@file`; an update leaves other entries as they are. */
  | { readonly kind: 'secretEntries' };

/** An option that sets a field of a webhook. */
export interface WebhookField extends Option {
  readonly field: `webhook.${string}`;
  readonly is: FieldKind;
  readonly several?: `webhook.${string}`;
  /** Update cannot change it. */
  readonly onlyAtRegistration?: boolean;
}

const TEXT = { kind: 'text' } as const;
const NUMBER = { kind: 'number' } as const;
const DURATION = { kind: 'duration' } as const;
const TIME = { kind: 'time' } as const;
const ENTRIES = { kind: 'entries' } as const;

function words(prefix: string, ...all: string[]): { is: FieldKind; value: string } {
  return { is: { kind: 'word', words: all, prefix }, value: all.join('|') };
}

/** Every field of a webhook that a caller can set, in the order in which help shows them. */
export const WEBHOOK_FIELDS: readonly WebhookField[] = [
  {
    flag: '--id',
    value: 'id',
    field: 'webhook.id',
    is: TEXT,
    about: 'The id that it has, or shall have: lower-case letters, digits and hyphens.',
    onlyAtRegistration: true,
  },
  { flag: '--name', value: 'name', field: 'webhook.name', is: TEXT, about: 'What it is called.' },
  {
    flag: '--destination',
    value: 'url',
    field: 'webhook.destination',
    is: TEXT,
    about: 'Where it is sent: an http or https URL.',
  },
  {
    flag: '--every',
    value: 'duration',
    field: 'webhook.schedule.every',
    is: DURATION,
    about: 'Ring with this period: 5s, 10m, 1h30m.',
  },
  {
    flag: '--cron',
    value: 'expression',
    many: true,
    field: 'webhook.schedule.cron',
    several: 'webhook.schedule.crons.expressions',
    is: TEXT,
    about: 'Ring by a cron expression of 5 or 6 fields, or @hourly and friends; several for all of them.',
  },
  {
    flag: '--at',
    value: 'time',
    field: 'webhook.schedule.at',
    is: TIME,
    about: 'Ring once, at this time (RFC 3339), or so long from now (30m).',
  },
  {
    flag: '--time-zone',
    value: 'zone',
    field: 'webhook.schedule.time_zone',
    is: TEXT,
    about: 'The IANA time zone that cron and exceptions are read in (default UTC).',
  },
  {
    flag: '--start-time',
    value: 'time',
    field: 'webhook.schedule.start_time',
    is: TIME,
    about: 'No run before this time.',
  },
  {
    flag: '--end-time',
    value: 'time',
    field: 'webhook.schedule.end_time',
    is: TIME,
    about: 'No run at this time or later.',
  },
  {
    flag: '--except-date',
    value: 'date',
    many: true,
    field: 'webhook.schedule.exceptions.dates',
    is: { kind: 'texts' },
    about: 'No run on this day: 2026-12-24.',
  },
  {
    flag: '--except-cron',
    value: 'expression',
    many: true,
    field: 'webhook.schedule.exceptions.crons',
    is: { kind: 'texts' },
    about: 'No run in the minutes that this cron expression of 5 fields matches.',
  },
  {
    flag: '--max-runs',
    value: 'number',
    field: 'webhook.schedule.max_runs',
    is: NUMBER,
    about: 'No run after so many.',
  },
  {
    flag: '--schedule-jitter',
    value: 'duration',
    field: 'webhook.schedule.jitter',
    is: DURATION,
    about: 'Spread runs by up to this.',
  },
  {
    flag: '--misfire',
    ...words('MISFIRE_POLICY_', 'fire-latest', 'skip', 'fire-all'),
    field: 'webhook.schedule.misfire_policy',
    about: 'What becomes of runs that were missed.',
  },
  {
    flag: '--catchup-window',
    value: 'duration',
    field: 'webhook.schedule.catchup_window',
    is: DURATION,
    about: 'How late a missed run may still fire (default 1h).',
  },
  {
    flag: '--overlap',
    ...words('OVERLAP_POLICY_', 'supersede', 'skip', 'allow', 'buffer'),
    field: 'webhook.schedule.overlap_policy',
    about: 'What happens when the run before is not finished.',
  },
  {
    flag: '--dst-gap',
    ...words('DST_GAP_POLICY_', 'shift', 'skip'),
    field: 'webhook.schedule.dst_gap',
    about: 'What becomes of local times that the clocks leave out.',
  },
  {
    flag: '--dst-overlap',
    ...words('DST_OVERLAP_POLICY_', 'first', 'both'),
    field: 'webhook.schedule.dst_overlap',
    about: 'What becomes of local times that the clocks repeat.',
  },
  {
    flag: '--event-type',
    value: 'type',
    many: true,
    field: 'webhook.event_types',
    is: { kind: 'texts' },
    about: 'Ring for events of this type: order.paid, order.* or *.',
  },
  {
    flag: '--filter',
    value: 'expression',
    field: 'webhook.filter',
    is: TEXT,
    about: 'Only for events for which this CEL expression is true: event.data.amount > 100.',
  },
  {
    flag: '--event-format',
    ...words('EVENT_FORMAT_', 'envelope', 'raw', 'cloudevents-binary', 'cloudevents-structured'),
    field: 'webhook.payload.event_format',
    about: 'How events are sent (default envelope).',
  },
  {
    flag: '--template',
    value: 'text|@file',
    field: 'webhook.payload.template',
    is: { kind: 'content', line: false },
    about: 'Send what this Liquid template makes.',
  },
  {
    flag: '--text',
    value: 'text|@file',
    field: 'webhook.payload.text',
    is: { kind: 'content', line: false },
    about: 'Send this text with each run.',
  },
  {
    flag: '--data',
    value: '@file|-',
    field: 'webhook.payload.data',
    is: { kind: 'bytes' },
    about: 'Send these bytes with each run.',
  },
  {
    flag: '--content-type',
    value: 'type',
    field: 'webhook.payload.content_type',
    is: TEXT,
    about: 'The media type of the template, text or data.',
  },
  {
    flag: '--header-template',
    value: 'name=template',
    many: true,
    field: 'webhook.payload.header_templates',
    is: ENTRIES,
    about: 'An extra request header whose value is a Liquid template.',
  },
  {
    flag: '--header',
    value: 'name=value',
    many: true,
    field: 'webhook.headers',
    is: ENTRIES,
    about: 'An extra request header.',
  },
  {
    flag: '--secret-header',
    value: 'name=value|@file',
    many: true,
    field: 'webhook.secret_headers',
    is: { kind: 'secretEntries' },
    about: 'An extra request header that nobody is shown; from a file, others do not see it.',
  },
  {
    flag: '--username',
    value: 'name',
    field: 'webhook.auth.basic.username',
    is: TEXT,
    about: 'The name by which the destination knows it (Basic), with --password.',
  },
  {
    flag: '--password',
    value: 'password|@file',
    field: 'webhook.auth.basic.password.value',
    is: { kind: 'content', line: true },
    about: 'The password to that; from a file, others do not see it.',
  },
  {
    flag: '--bearer-token',
    value: 'token|@file',
    field: 'webhook.auth.bearer.token.value',
    is: { kind: 'content', line: true },
    about: 'The token by which the destination lets it in (Bearer); from a file, others do not see it.',
  },
  {
    flag: '--timeout',
    value: 'duration',
    field: 'webhook.timeout',
    is: DURATION,
    about: 'How long an attempt may take (default 15s).',
  },
  {
    flag: '--secret',
    value: 'secret|@file',
    field: 'webhook.signing.secret',
    is: { kind: 'content', line: true },
    onlyAtRegistration: true,
    about: 'Sign with this secret (whsec_…) rather than a new one; from a file, others do not see it.',
  },
  {
    flag: '--asymmetric',
    field: 'webhook.asymmetric_signature',
    is: { kind: 'switch' },
    about: 'Also sign with the key of the namespace (v1a), for receivers that know its public key only.',
  },
  {
    flag: '--compatibility-header',
    value: 'name',
    field: 'webhook.compatibility_signature.header',
    is: TEXT,
    about: 'Also sign as another sender did before, in this header: x-hub-signature-256, stripe-signature …',
  },
  {
    flag: '--compatibility-value',
    value: 'value',
    field: 'webhook.compatibility_signature.value',
    is: TEXT,
    about: 'What stands in it: sha256={signature}, t={timestamp},v1={signature} … (default {signature}).',
  },
  {
    flag: '--compatibility-secret',
    value: 'secret|@file',
    field: 'webhook.compatibility_signature.secret',
    is: { kind: 'content', line: true },
    about: 'The secret that the receiver has of that sender, any text; from a file, others do not see it.',
  },
  {
    flag: '--compatibility-key-form',
    ...words('KEY_FORM_', 'text', 'base64'),
    field: 'webhook.compatibility_signature.key_form',
    about: 'What of that secret is the key: its text (default), or what it is the base64 of.',
  },
  {
    flag: '--compatibility-algorithm',
    ...words('ALGORITHM_', 'hmac-sha256', 'hmac-sha1'),
    field: 'webhook.compatibility_signature.algorithm',
    about: 'How that is signed (default hmac-sha256).',
  },
  {
    flag: '--compatibility-encoding',
    ...words('ENCODING_', 'hex', 'base64'),
    field: 'webhook.compatibility_signature.encoding',
    about: 'How that signature is written (default hex).',
  },
  {
    flag: '--compatibility-content',
    ...words('CONTENT_', 'body', 'timestamp-body'),
    field: 'webhook.compatibility_signature.content',
    about: 'What is signed so: the body (default), or the timestamp, a dot and the body.',
  },
  {
    flag: '--max-attempts',
    value: 'number',
    field: 'webhook.retry_policy.max_attempts',
    is: NUMBER,
    about: 'How many attempts a delivery gets.',
  },
  {
    flag: '--retry-delay',
    value: 'duration',
    many: true,
    field: 'webhook.retry_policy.delays',
    is: { kind: 'durations' },
    about: 'How long to wait after the first, second … failed attempt.',
  },
  {
    flag: '--retry-jitter',
    value: 'number',
    field: 'webhook.retry_policy.jitter',
    is: NUMBER,
    about: 'Change each delay by up to this part of it (default 0.2).',
  },
  {
    flag: '--client-errors',
    ...words('CLIENT_ERRORS_', 'retry', 'fail'),
    field: 'webhook.retry_policy.client_errors',
    about: 'What happens after 4xx answers.',
  },
  {
    flag: '--concurrency',
    value: 'number',
    field: 'webhook.limits.concurrency',
    is: NUMBER,
    about: 'Requests in flight at once (default 8).',
  },
  {
    flag: '--rate',
    value: 'number',
    field: 'webhook.limits.rate_limit.per_second',
    is: NUMBER,
    about: 'Requests a second.',
  },
  {
    flag: '--burst',
    value: 'number',
    field: 'webhook.limits.rate_limit.burst',
    is: NUMBER,
    about: 'How many requests of that rate can be saved up.',
  },
  {
    flag: '--ordered',
    field: 'webhook.limits.ordered',
    is: { kind: 'switch' },
    about: 'One at a time, in the order in which they became due; a retry holds back what came after it.',
  },
  {
    flag: '--waiting-max',
    value: 'number',
    field: 'webhook.limits.waiting_max',
    is: NUMBER,
    about: 'How many deliveries may wait (default 1000000); beyond it some fail with OVERFLOW.',
  },
  {
    flag: '--overflow',
    ...words('OVERFLOW_POLICY_', 'drop-oldest', 'drop-newest'),
    field: 'webhook.limits.overflow_policy',
    about: 'Which of those that wait fail beyond --waiting-max (default drop-oldest).',
  },
  {
    flag: '--label',
    value: 'key=value',
    many: true,
    field: 'webhook.labels',
    is: ENTRIES,
    about: 'A label to find it by.',
  },
];
