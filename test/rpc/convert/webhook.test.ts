import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromBinary, fromJsonString, toBinary, toJsonString } from '@bufbuild/protobuf';
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { WebhookSchema } from '../../../gen/carillon/v1/webhook_pb.ts';
import { HEALTHY } from '../../../src/domain/delivery/lane.ts';
import { noProblems } from '../../../src/domain/problems.ts';
import {
  type Exceptions,
  type Interval,
  type Schedule,
  WEEKDAYS,
} from '../../../src/domain/schedule/schedule.ts';
import type { AskedSpec } from '../../../src/domain/webhook/asked.ts';
import { DEFAULTS, withDefaults } from '../../../src/domain/webhook/defaults.ts';
import type { Payload } from '../../../src/domain/webhook/payload.ts';
import { sameSpec } from '../../../src/domain/webhook/same-spec.ts';
import type { Webhook, WebhookSpec } from '../../../src/domain/webhook/webhook.ts';
import { fromDuration, fromTimestamp, toDuration, toTimestamp } from '../../../src/rpc/convert/time.ts';
import { specFrom, webhookTo } from '../../../src/rpc/convert/webhook.ts';

const TIME_MIN = -62_135_596_800_000;
const TIME_MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const time = fc.integer({ min: TIME_MIN, max: TIME_MAX });
const span = (max: number) => fc.integer({ min: 0, max });

const inZone = {
  timeZone: fc.constantFrom('UTC', 'Europe/Vienna', 'America/New_York'),
  dstGap: fc.constantFrom('SHIFT' as const, 'SKIP' as const),
  dstOverlap: fc.constantFrom('FIRST' as const, 'BOTH' as const),
};
const interval: fc.Arbitrary<Interval> = fc.record({
  unit: fc.constantFrom('DAYS', 'WEEKS', 'MONTHS'),
  count: fc.integer({ min: 1, max: 52 }),
  times: fc.array(fc.constantFrom('09:00', '23:59:30', '00:00'), { minLength: 1, maxLength: 3 }),
  weekdays: fc.subarray([...WEEKDAYS]),
  daysOfMonth: fc.array(fc.integer({ min: 1, max: 31 }), { maxLength: 3 }),
});
const when: fc.Arbitrary<Schedule['when']> = fc.oneof(
  fc.record({ kind: fc.constant('every' as const), periodMs: span(366 * 86_400_000) }),
  fc.record({ kind: fc.constant('at' as const), at: time }),
  fc.record({
    kind: fc.constant('cron' as const),
    expression: fc.constantFrom('0 9 * * MON', '@daily', '@every 10s'),
    ...inZone,
  }),
  fc.record({
    kind: fc.constant('crons' as const),
    expressions: fc.array(fc.constantFrom('0 9 * * MON', '@daily'), { minLength: 1, maxLength: 3 }),
    ...inZone,
  }),
  fc.record({ kind: fc.constant('interval' as const), interval, ...inZone }),
);
/** Some at least, in the zone of what rings, or in one of their own beside a period. */
const exceptions: fc.Arbitrary<Exceptions> = fc
  .record({
    timeZone: inZone.timeZone,
    dates: fc.array(fc.constantFrom('2026-12-24', '2026-12-25'), { maxLength: 2 }),
    spans: fc.array(fc.record({ startAt: time, endAt: time }), { maxLength: 2 }),
    crons: fc.array(fc.constantFrom('* 12 * * *', '* * * * SUN'), { maxLength: 2 }),
  })
  .filter(({ dates, spans, crons }) => dates.length + spans.length + crons.length > 0);
const plainSchedule: fc.Arbitrary<Schedule> = fc.record(
  {
    when,
    startAt: time,
    endAt: time,
    maxRuns: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    jitterMs: span(86_400_000),
    misfire: fc.constantFrom('FIRE_LATEST', 'SKIP', 'FIRE_ALL'),
    catchupMs: span(31 * 86_400_000),
    overlap: fc.constantFrom('SUPERSEDE', 'SKIP', 'BUFFER', 'ALLOW'),
  },
  { requiredKeys: ['when', 'jitterMs', 'misfire', 'catchupMs', 'overlap'] },
);
const schedule: fc.Arbitrary<Schedule> = fc
  .tuple(plainSchedule, fc.option(exceptions, { nil: undefined }))
  .map(([plain, some]) => {
    if (some === undefined || plain.when.kind === 'at') return plain;
    const { timeZone } = 'timeZone' in plain.when ? plain.when : some;
    return { ...plain, exceptions: { ...some, timeZone } };
  });
const words = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/), fc.string({ unit: 'binary' }), {
  maxKeys: 4,
});
const eventFormat = fc.constantFrom(
  ...(['ENVELOPE', 'RAW', 'CLOUDEVENTS_BINARY', 'CLOUDEVENTS_STRUCTURED'] as const),
);
const payloadWithBody: fc.Arbitrary<Payload> = fc.record({
  body: fc.oneof(
    fc.record({ kind: fc.constant('template' as const), source: fc.string() }),
    fc.record({ kind: fc.constant('text' as const), text: fc.string({ unit: 'binary' }) }),
    fc.record({ kind: fc.constant('data' as const), data: fc.uint8Array() }),
  ),
  contentType: fc.constantFrom('text/plain', 'application/json; charset=utf-8'),
  eventFormat,
  headerTemplates: words,
});
const payloadWithoutBody: fc.Arbitrary<Payload> = fc
  .record({ contentType: fc.constant(DEFAULTS.textContentType), eventFormat, headerTemplates: words })
  .filter((made) => made.eventFormat !== 'ENVELOPE' || Object.keys(made.headerTemplates).length > 0);
const payload = fc.oneof(payloadWithBody, payloadWithoutBody);
const limits = fc
  .record(
    {
      concurrency: fc.integer({ min: 1, max: 256 }),
      rate: fc.record({
        perSecond: fc.double({ min: 0.001, max: 1e5, noNaN: true }),
        burst: fc.integer({ min: 1, max: 1e5 }),
      }),
      ordered: fc.boolean(),
      waitingMax: fc.integer({ min: 1, max: 1e7 }),
      overflow: fc.constantFrom('DROP_OLDEST', 'DROP_NEWEST'),
    },
    { requiredKeys: ['concurrency', 'ordered', 'waitingMax', 'overflow'] },
  )
  .map((made) => (made.ordered ? { ...made, concurrency: 1 } : made));
const ringing = fc.oneof(
  fc.record({ schedule, eventTypes: fc.constant([]) }),
  fc.record(
    {
      schedule,
      eventTypes: fc.array(fc.stringMatching(/^[a-z]{1,3}(\.[a-z]{1,3})?(\.\*)?$/), {
        minLength: 1,
        maxLength: 3,
      }),
      filter: fc.string({ minLength: 1 }),
    },
    { requiredKeys: ['eventTypes'] },
  ),
);
const restOfSpec = fc.record(
  {
    name: fc.string({ unit: 'binary' }),
    destination: fc.webUrl(),
    payload,
    headers: words,
    timeoutMs: fc.integer({ min: 100, max: 300_000 }),
    retryPolicy: fc.record({
      maxAttempts: fc.integer({ min: 1, max: 100 }),
      delaysMs: fc.array(span(604_800_000), { minLength: 1, maxLength: 32 }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      clientErrors: fc.constantFrom('RETRY', 'FAIL'),
    }),
    limits,
    labels: words,
    asymmetric: fc.boolean(),
  },
  {
    requiredKeys: [
      'name',
      'destination',
      'headers',
      'timeoutMs',
      'retryPolicy',
      'limits',
      'labels',
      'asymmetric',
    ],
  },
);

// fast-check makes objects without a prototype too, which are not equal to others.
const spec: fc.Arbitrary<WebhookSpec> = fc
  .tuple(restOfSpec, ringing)
  .map(([rest, rings]) => structuredClone({ ...rest, ...rings }));

function webhookOf(asked: WebhookSpec): Webhook {
  return {
    id: 'wh_00000000000000000000000000',
    namespace: 'default',
    spec: asked,
    effective: asked,
    secrets: [],
    state: 'ACTIVE',
    cursor: { anchorAt: 0, nominalAt: null, dueAt: null, fired: 0, skipped: 0 },
    health: HEALTHY,
    healthVersion: 0,
    filterFailures: 0,
    createdAt: 0,
    updatedAt: 0,
    version: 1,
  };
}

/** Without the zone of exceptions where it is that of the schedule, which a caller says once. */
function inWordsOfCaller({ schedule: known, ...rest }: WebhookSpec): AskedSpec {
  if (known?.exceptions === undefined || !('timeZone' in known.when))
    return { ...rest, ...(known && { schedule: known }) };
  const { timeZone: _, ...said } = known.exceptions;
  return { ...rest, schedule: { ...known, exceptions: said } };
}

describe('A webhook', () => {
  it('is the same after a caller got it and gave it back, in binary and in JSON', () => {
    fc.assert(
      fc.property(spec, (asked) => {
        const sent = webhookTo(webhookOf(asked));
        const received = [
          fromBinary(WebhookSchema, toBinary(WebhookSchema, sent)),
          fromJsonString(WebhookSchema, toJsonString(WebhookSchema, sent)),
        ];
        for (const message of received) {
          const problems = noProblems();
          const again = specFrom(message, problems);
          assert.deepEqual(problems.list(), []);
          assert.ok(sameSpec(again, inWordsOfCaller(asked)));
          assert.deepEqual(withDefaults(again, { defaultEveryMs: 5000 }), asked);
        }
      }),
    );
  });

  it('is another when anything of it differs', () => {
    fc.assert(
      fc.property(spec, spec, (a, b) => {
        const same =
          toJsonString(WebhookSchema, webhookTo(webhookOf(a))) ===
          toJsonString(WebhookSchema, webhookTo(webhookOf(b)));
        assert.equal(sameSpec(a, b), same);
      }),
    );
  });
});

describe('Times', () => {
  it('are whole milliseconds both ways', () => {
    fc.assert(
      fc.property(time, (ms) => {
        const problems = noProblems();
        assert.equal(fromTimestamp(toTimestamp(ms), 'at', problems), ms);
        assert.equal(problems.count(), 0);
      }),
    );
  });

  it('lose what is finer than a millisecond, before 1970 too', () => {
    const problems = noProblems();
    assert.equal(
      fromTimestamp(create(TimestampSchema, { seconds: -1n, nanos: 999_999_999 }), 'at', problems),
      -1,
    );
    assert.equal(problems.count(), 0);
  });

  it('are refused outside of the years 1 to 9999', () => {
    for (const init of [
      { seconds: 253_402_300_800n },
      { seconds: -62_135_596_801n },
      { nanos: -1 },
      { nanos: 1_000_000_000 },
    ]) {
      const problems = noProblems();
      fromTimestamp(create(TimestampSchema, init), 'at', problems);
      assert.deepEqual(
        problems.list().map(({ field }) => field),
        ['at'],
      );
    }
  });
});

describe('Spans', () => {
  it('are whole milliseconds both ways, and negative ones too', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) => {
        const problems = noProblems();
        assert.equal(fromDuration(toDuration(ms), 'every', problems), ms === 0 ? 0 : ms);
        assert.equal(problems.count(), 0);
      }),
    );
  });

  it('are refused when finer, out of range, or of two signs', () => {
    const wrong = [
      { nanos: 1 },
      { seconds: 315_576_000_001n },
      { seconds: 1n, nanos: -1_000_000 },
      { seconds: -1n, nanos: 1_000_000 },
      { nanos: 1_000_000_000 },
    ];
    for (const init of wrong) {
      const problems = noProblems();
      fromDuration(create(DurationSchema, init), 'every', problems);
      assert.deepEqual(
        problems.list().map(({ field }) => field),
        ['every'],
      );
    }
  });
});
