import { create } from '@bufbuild/protobuf';
import {
  CronListSchema,
  DstGapPolicy,
  DstOverlapPolicy,
  MisfirePolicy,
  OverlapPolicy,
  type Schedule as ScheduleMessage,
  ScheduleSchema,
} from '../../../gen/carillon/v1/schedule_pb.ts';
import type { Problems } from '../../domain/problems.ts';
import type { InZone } from '../../domain/schedule/schedule.ts';
import { canonicalTimeZone, notAZone } from '../../domain/schedule/zone.ts';
import type { AskedSchedule, AskedWhen } from '../../domain/webhook/asked.ts';
import { enumPair } from './enum-pair.ts';
import { exceptionsFrom, exceptionsTo, intervalFrom, intervalTo } from './interval.ts';
import { fromDuration, fromTimestamp, toDuration, toTimestamp } from './time.ts';

/**
 * The schedule that a message asks for. What it leaves out stays unset; what cannot be made out is noted;
 * undefined when nothing says when it rings.
 */
export function scheduleFrom(message: ScheduleMessage, problems: Problems): AskedSchedule | undefined {
  const when = whenFrom(message, problems);
  const { jitter, catchupWindow, startTime, endTime, maxRuns } = message;
  const misfire = MISFIRE.toDomain(message.misfirePolicy);
  const overlap = OVERLAP.toDomain(message.overlapPolicy);
  const rest = {
    ...(startTime !== undefined && { startAt: fromTimestamp(startTime, 'start_time', problems) }),
    ...(endTime !== undefined && { endAt: fromTimestamp(endTime, 'end_time', problems) }),
    ...(maxRuns > 0n && { maxRuns: Number(maxRuns) }),
    ...(jitter !== undefined && { jitterMs: fromDuration(jitter, 'jitter', problems) }),
    ...(misfire !== undefined && { misfire }),
    ...(catchupWindow !== undefined && {
      catchupMs: fromDuration(catchupWindow, 'catchup_window', problems),
    }),
    ...(overlap !== undefined && { overlap }),
    ...(message.exceptions !== undefined && { exceptions: exceptionsFrom(message, problems) }),
  };
  if (maxRuns > Number.MAX_SAFE_INTEGER) problems.add('max_runs', 'must be below 2^53');
  return when && { when, ...rest };
}

/** What a message leaves out is what is unset here. */
export function scheduleTo(schedule: AskedSchedule): ScheduleMessage {
  const { when, startAt, endAt, maxRuns, jitterMs, misfire, catchupMs, overlap, exceptions } = schedule;
  return create(ScheduleSchema, {
    timeZone: exceptions?.timeZone ?? '',
    ...whenTo(when),
    ...(startAt !== undefined && { startTime: toTimestamp(startAt) }),
    ...(endAt !== undefined && { endTime: toTimestamp(endAt) }),
    maxRuns: BigInt(maxRuns ?? 0),
    ...(jitterMs !== undefined && { jitter: toDuration(jitterMs) }),
    misfirePolicy: MISFIRE.toProto(misfire),
    ...(catchupMs !== undefined && { catchupWindow: toDuration(catchupMs) }),
    overlapPolicy: OVERLAP.toProto(overlap),
    ...(exceptions !== undefined && { exceptions: exceptionsTo(exceptions) }),
  });
}

function whenFrom(message: ScheduleMessage, problems: Problems): AskedWhen | undefined {
  const { timeZone } = message;
  if (timeZone !== '' && canonicalTimeZone(timeZone) === undefined)
    problems.add('time_zone', notAZone(timeZone));
  const { when } = message;
  switch (when.case) {
    case 'every':
      return { kind: 'every', periodMs: fromDuration(when.value, 'every', problems) };
    case 'at':
      return { kind: 'at', at: fromTimestamp(when.value, 'at', problems) };
    case 'cron':
      return { kind: 'cron', expression: when.value, ...zoneFrom(message) };
    case 'crons':
      return { kind: 'crons', expressions: when.value.expressions, ...zoneFrom(message) };
    case 'interval': {
      const interval = intervalFrom(when.value, problems);
      return interval && { kind: 'interval', interval, ...zoneFrom(message) };
    }
    case undefined:
      problems.add('when', 'is required: give every, cron, crons, interval or at');
      return undefined;
    default:
      return when satisfies never;
  }
}

function zoneFrom({ timeZone, ...message }: ScheduleMessage): Partial<InZone> {
  const dstGap = GAP.toDomain(message.dstGap);
  const dstOverlap = DST_OVERLAP.toDomain(message.dstOverlap);
  return {
    ...(timeZone !== '' && { timeZone }),
    ...(dstGap !== undefined && { dstGap }),
    ...(dstOverlap !== undefined && { dstOverlap }),
  };
}

function whenTo(when: AskedWhen) {
  switch (when.kind) {
    case 'every':
      return { when: { case: 'every', value: toDuration(when.periodMs) } } as const;
    case 'at':
      return { when: { case: 'at', value: toTimestamp(when.at) } } as const;
    case 'cron':
      return { when: { case: 'cron', value: when.expression }, ...zoneTo(when) } as const;
    case 'crons':
      return {
        when: { case: 'crons', value: create(CronListSchema, { expressions: [...when.expressions] }) },
        ...zoneTo(when),
      } as const;
    case 'interval':
      return { when: { case: 'interval', value: intervalTo(when.interval) }, ...zoneTo(when) } as const;
    default:
      return when satisfies never;
  }
}

function zoneTo({ timeZone, dstGap, dstOverlap }: Partial<InZone>) {
  return {
    timeZone: timeZone ?? '',
    dstGap: GAP.toProto(dstGap),
    dstOverlap: DST_OVERLAP.toProto(dstOverlap),
  };
}

const MISFIRE = enumPair({
  FIRE_LATEST: MisfirePolicy.FIRE_LATEST,
  SKIP: MisfirePolicy.SKIP,
  FIRE_ALL: MisfirePolicy.FIRE_ALL,
});
const OVERLAP = enumPair({
  SUPERSEDE: OverlapPolicy.SUPERSEDE,
  SKIP: OverlapPolicy.SKIP,
  BUFFER: OverlapPolicy.BUFFER,
  ALLOW: OverlapPolicy.ALLOW,
});
const GAP = enumPair({ SHIFT: DstGapPolicy.SHIFT, SKIP: DstGapPolicy.SKIP });
const DST_OVERLAP = enumPair({ FIRST: DstOverlapPolicy.FIRST, BOTH: DstOverlapPolicy.BOTH });
