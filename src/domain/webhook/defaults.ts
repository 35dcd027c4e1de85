import { isDeepStrictEqual } from 'node:util';
import { LANE_WAITING_DEFAULT } from '../delivery/overflow.ts';
import { DEFAULT_RETRY_POLICY } from '../delivery/retry-policy.ts';
import type { Exceptions, InZone, Schedule, When } from '../schedule/schedule.ts';
import { spelledTimeZone } from '../schedule/zone.ts';
import type { AskedLimits, AskedPayload, AskedSchedule, AskedSpec, AskedWhen } from './asked.ts';
import { compatibilityOf } from './compatibility.ts';
import type { Payload } from './payload.ts';
import type { Limits, WebhookSpec } from './webhook.ts';

/** What applies to a webhook where its caller says nothing; the proto files tell the caller so. */
export const DEFAULTS = {
  timeoutMs: 15_000,
  textContentType: 'text/plain; charset=utf-8',
  dataContentType: 'application/octet-stream',
  eventFormat: 'ENVELOPE',
  concurrency: 8,
  burst: 1,
  waitingMax: LANE_WAITING_DEFAULT,
  overflow: 'DROP_OLDEST',
  retryPolicy: DEFAULT_RETRY_POLICY,

  timeZone: 'UTC',
  jitterMs: 0,
  misfire: 'FIRE_LATEST',
  catchupMs: 3_600_000,
  overlap: 'SUPERSEDE',
  dstGap: 'SHIFT',
  dstOverlap: 'FIRST',
} as const;

/** The period of a webhook that asks for none, unless an operator sets another: the article's. */
export const DEFAULT_EVERY_MS = 5_000;

/** Defaults that an operator can set. */
export interface DefaultSettings {
  /** The period of a webhook that is asked for with neither a schedule nor event types. */
  readonly defaultEveryMs: number;
}

/** What applies to a webhook that is asked for so: defaults in place of what is left out, header names in lower case. */
export function withDefaults(asked: AskedSpec, { defaultEveryMs }: DefaultSettings): WebhookSpec {
  const { name, destination, eventTypes = [], filter, headers = {}, labels = {}, retryPolicy = {} } = asked;
  const schedule = asked.schedule && scheduleOf(asked.schedule);
  const rings = schedule ?? (eventTypes.length === 0 ? everySchedule(defaultEveryMs) : undefined);
  const payload = asked.payload && payloadOf(asked.payload);
  const delaysMs = retryPolicy.delaysMs ?? DEFAULTS.retryPolicy.delaysMs;
  return {
    name,
    destination,
    ...(rings !== undefined && { schedule: rings }),
    eventTypes,
    ...(filter !== undefined && { filter }),
    ...(payload !== undefined && { payload }),
    headers: lowerCased(headers),
    timeoutMs: asked.timeoutMs ?? DEFAULTS.timeoutMs,
    retryPolicy: {
      maxAttempts: retryPolicy.maxAttempts ?? delaysMs.length + 1,
      delaysMs,
      jitter: retryPolicy.jitter ?? DEFAULTS.retryPolicy.jitter,
      clientErrors: retryPolicy.clientErrors ?? DEFAULTS.retryPolicy.clientErrors,
    },
    limits: limitsOf(asked.limits ?? {}),
    labels,
    asymmetric: asked.asymmetric ?? false,
    ...(asked.compatibility !== undefined && { compatibility: compatibilityOf(asked.compatibility) }),
    ...(asked.tls !== undefined && { tls: asked.tls }),
    ...(asked.consent !== undefined && { consent: asked.consent }),
  };
}

/** What applies to a schedule that is asked for so. */
export function scheduleOf(asked: AskedSchedule): Schedule {
  const { startAt, endAt, maxRuns, jitterMs, misfire, catchupMs, overlap } = asked;
  const when = whenOf(asked.when);
  const exceptions = asked.exceptions && exceptionsOf(asked.exceptions, when);
  return {
    when,
    ...(startAt !== undefined && { startAt }),
    ...(endAt !== undefined && { endAt }),
    ...(maxRuns !== undefined && { maxRuns }),
    jitterMs: jitterMs ?? DEFAULTS.jitterMs,
    misfire: misfire ?? DEFAULTS.misfire,
    catchupMs: catchupMs ?? DEFAULTS.catchupMs,
    overlap: overlap ?? DEFAULTS.overlap,
    ...(exceptions !== undefined && { exceptions }),
  };
}

/**
 * What was asked for a webhook of which only what applies is known, since versions before wrote that down:
 * what is the same as the defaults counts as unset.
 */
export function withoutDefaults(spec: WebhookSpec, settings: DefaultSettings): AskedSpec {
  const { name, destination, eventTypes } = spec;
  const { schedule, timeoutMs, retryPolicy, limits, ...rest } = spec;
  const unset = withDefaults({ name, destination, eventTypes }, settings);
  return {
    ...rest,
    ...(!isDeepStrictEqual(schedule, unset.schedule) && schedule !== undefined && { schedule }),
    ...(timeoutMs !== unset.timeoutMs && { timeoutMs }),
    ...(!isDeepStrictEqual(retryPolicy, unset.retryPolicy) && { retryPolicy }),
    // Limits that came later are not in what those versions wrote.
    ...(!isDeepStrictEqual({ ...unset.limits, ...limits }, unset.limits) && { limits }),
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** The schedule of a webhook that names none. */
function everySchedule(periodMs: number): Schedule {
  return scheduleOf({ when: { kind: 'every', periodMs } });
}

function whenOf(when: AskedWhen): When {
  switch (when.kind) {
    case 'every':
    case 'at':
      return when;
    case 'cron':
      return { kind: 'cron', expression: when.expression, ...zoneOf(when) };
    case 'crons':
      return { kind: 'crons', expressions: when.expressions, ...zoneOf(when) };
    case 'interval':
      return { kind: 'interval', interval: when.interval, ...zoneOf(when) };
    default:
      return when satisfies never;
  }
}

function zoneOf({ timeZone, dstGap, dstOverlap }: Partial<InZone>): InZone {
  return {
    timeZone: spelledZone(timeZone),
    dstGap: dstGap ?? DEFAULTS.dstGap,
    dstOverlap: dstOverlap ?? DEFAULTS.dstOverlap,
  };
}

/** One that is no zone stays as it is, for `scheduleViolations` to name. */
function spelledZone(given: string = DEFAULTS.timeZone): string {
  return spelledTimeZone(given);
}

/** Undefined where none are named. They are read in the zone of the schedule, if that has one. */
function exceptionsOf(asked: Partial<Exceptions>, when: When): Exceptions | undefined {
  const { dates = [], spans = [], crons = [] } = asked;
  if (dates.length + spans.length + crons.length === 0) return undefined;
  const timeZone = 'timeZone' in when ? when.timeZone : spelledZone(asked.timeZone);
  return { timeZone, dates, spans, crons };
}

/** Undefined for one that says no more than none does: a content type alone is of no body. */
function payloadOf(asked: AskedPayload): Payload | undefined {
  const { body, eventFormat = DEFAULTS.eventFormat } = asked;
  const headerTemplates = lowerCased(asked.headerTemplates ?? {});
  const says = body !== undefined || eventFormat !== DEFAULTS.eventFormat;
  if (!says && Object.keys(headerTemplates).length === 0) return undefined;
  const fallback = body?.kind === 'data' ? DEFAULTS.dataContentType : DEFAULTS.textContentType;
  const contentType = (body === undefined ? undefined : asked.contentType) ?? fallback;
  return { ...(body !== undefined && { body }), contentType, eventFormat, headerTemplates };
}

function limitsOf({ concurrency, rate, ordered = false, waitingMax, overflow }: AskedLimits): Limits {
  return {
    concurrency: ordered ? 1 : (concurrency ?? DEFAULTS.concurrency),
    ...(rate !== undefined && { rate: { perSecond: rate.perSecond, burst: rate.burst ?? DEFAULTS.burst } }),
    ordered,
    waitingMax: waitingMax ?? DEFAULTS.waitingMax,
    overflow: overflow ?? DEFAULTS.overflow,
  };
}

/** Names that differ in their case alone are a violation, which is looked for in what the caller wrote. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
