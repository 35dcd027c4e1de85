import { create } from '@bufbuild/protobuf';
import {
  DstGapPolicy,
  DstOverlapPolicy,
  MisfirePolicy,
  OverlapPolicy,
  type Schedule as ScheduleMessage,
  ScheduleSchema,
} from '../../../gen/carillon/v1/schedule_pb.ts';
import type { Schedule, When } from '../../domain/schedule/schedule.ts';
import { canonicalTimeZone, notAZone } from '../../domain/schedule/zone.ts';
import { join, type Problems } from '../problems.ts';
import { DEFAULTS } from './defaults.ts';
import { enumPair } from './enum-pair.ts';
import { fromDuration, fromTimestamp, toDuration, toTimestamp } from './time.ts';

/** The schedule of a webhook that names none. */
export function defaultSchedule(periodMs: number): Schedule {
  const { jitterMs, misfire, catchupMs, overlap } = DEFAULTS;
  return { when: { kind: 'every', periodMs }, jitterMs, misfire, catchupMs, overlap };
}

/**
 * The schedule that a message asks for, with defaults in place of what it leaves out. What cannot be
 * read is noted, and something stands in for it, so that `scheduleViolations` can look at the rest;
 * undefined when there is nothing to look at.
 */
export function scheduleFrom(
  message: ScheduleMessage,
  field: string,
  problems: Problems,
): Schedule | undefined {
  const when = whenFrom(message, field, problems);
  const { jitter, catchupWindow, startTime, endTime, maxRuns } = message;
  const jitterMs = jitter ? fromDuration(jitter, join(field, 'jitter'), problems) : DEFAULTS.jitterMs;
  const catchupMs = catchupWindow
    ? fromDuration(catchupWindow, join(field, 'catchup_window'), problems)
    : DEFAULTS.catchupMs;
  const startAt = startTime && fromTimestamp(startTime, join(field, 'start_time'), problems);
  const endAt = endTime && fromTimestamp(endTime, join(field, 'end_time'), problems);
  if (maxRuns > Number.MAX_SAFE_INTEGER) problems.add(join(field, 'max_runs'), 'must be below 2^53');
  if (when === undefined) return undefined;
  return {
    when,
    ...(startAt !== undefined && { startAt }),
    ...(endAt !== undefined && { endAt }),
    ...(maxRuns > 0n && { maxRuns: Number(maxRuns) }),
    jitterMs,
    misfire: MISFIRE.toDomain(message.misfirePolicy) ?? DEFAULTS.misfire,
    catchupMs,
    overlap: OVERLAP.toDomain(message.overlapPolicy) ?? DEFAULTS.overlap,
  };
}

export function scheduleTo(schedule: Schedule): ScheduleMessage {
  const { when, startAt, endAt, maxRuns, jitterMs, misfire, catchupMs, overlap } = schedule;
  return create(ScheduleSchema, {
    ...whenTo(when),
    ...(startAt !== undefined && { startTime: toTimestamp(startAt) }),
    ...(endAt !== undefined && { endTime: toTimestamp(endAt) }),
    maxRuns: BigInt(maxRuns ?? 0),
    ...(jitterMs > 0 && { jitter: toDuration(jitterMs) }),
    misfirePolicy: MISFIRE.toProto(misfire),
    catchupWindow: toDuration(catchupMs),
    overlapPolicy: OVERLAP.toProto(overlap),
  });
}

function whenFrom(message: ScheduleMessage, field: string, problems: Problems): When | undefined {
  const zone = message.timeZone === '' ? DEFAULTS.timeZone : canonicalTimeZone(message.timeZone);
  if (zone === undefined) problems.add(join(field, 'time_zone'), notAZone(message.timeZone));
  const { when } = message;
  switch (when.case) {
    case 'every':
      return { kind: 'every', periodMs: fromDuration(when.value, join(field, 'every'), problems) };
    case 'at':
      return { kind: 'at', at: fromTimestamp(when.value, join(field, 'at'), problems) };
    case 'cron':
      return {
        kind: 'cron',
        expression: when.value,
        timeZone: zone ?? DEFAULTS.timeZone,
        dstGap: GAP.toDomain(message.dstGap) ?? DEFAULTS.dstGap,
        dstOverlap: DST_OVERLAP.toDomain(message.dstOverlap) ?? DEFAULTS.dstOverlap,
      };
    case undefined:
      problems.add(join(field, 'when'), 'is required: give every, cron or at');
      return undefined;
    default:
      return when satisfies never;
  }
}

function whenTo(when: When) {
  switch (when.kind) {
    case 'every':
      return { when: { case: 'every', value: toDuration(when.periodMs) } } as const;
    case 'at':
      return { when: { case: 'at', value: toTimestamp(when.at) } } as const;
    case 'cron':
      return {
        when: { case: 'cron', value: when.expression },
        timeZone: when.timeZone,
        dstGap: GAP.toProto(when.dstGap),
        dstOverlap: DST_OVERLAP.toProto(when.dstOverlap),
      } as const;
    default:
      return when satisfies never;
  }
}

const MISFIRE = enumPair({
  FIRE_LATEST: MisfirePolicy.FIRE_LATEST,
  SKIP: MisfirePolicy.SKIP,
  FIRE_ALL: MisfirePolicy.FIRE_ALL,
});
const OVERLAP = enumPair({
  SUPERSEDE: OverlapPolicy.SUPERSEDE,
  SKIP: OverlapPolicy.SKIP,
  ALLOW: OverlapPolicy.ALLOW,
});
const GAP = enumPair({ SHIFT: DstGapPolicy.SHIFT, SKIP: DstGapPolicy.SKIP });
const DST_OVERLAP = enumPair({ FIRST: DstOverlapPolicy.FIRST, BOTH: DstOverlapPolicy.BOTH });
