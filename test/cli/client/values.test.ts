import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { DurationSchema, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { UsageError } from '../../../src/cli/client/command.ts';
import { fromNow, inFull, span } from '../../../src/cli/client/times.ts';
import {
  durationJson,
  readCount,
  readEntry,
  readNumber,
  readWord,
  timeJson,
} from '../../../src/cli/client/values.ts';
import { T0 } from '../../support/store.ts';

describe('A value of a flag', () => {
  it('is a duration', () => {
    assert.deepEqual(
      ['5s', '90m', '1.5s', '250ms', '0s', '1h30m', '1.5h', '1d2h3m4s5ms'].map((text) =>
        durationJson('--x', text),
      ),
      ['5s', '5400s', '1.5s', '0.25s', '0s', '5400s', '5400s', '93784.005s'],
    );
  });

  it('is a time as it stands, or so long before or after now', () => {
    assert.equal(timeJson('--x', '2026-01-31T12:00:00.5+01:00', T0, 'ago'), '2026-01-31T12:00:00.5+01:00');
    assert.equal(timeJson('--x', '1h', T0, 'ago'), '2025-12-31T23:00:00.000Z');
    assert.equal(timeJson('--x', '1h', T0, 'ahead'), '2026-01-01T01:00:00.000Z');
  });

  it('is a name and a value, which may hold further equals signs', () => {
    assert.deepEqual(readEntry('--x', 'a=b=c'), ['a', 'b=c']);
    assert.deepEqual(readEntry('--x', 'a='), ['a', '']);
  });

  it('is a word in any case', () => {
    for (const text of ['fire-all', 'FIRE_ALL', 'Fire-All']) {
      assert.equal(readWord('--x', text, ['skip', 'fire-all'], 'MISFIRE_POLICY_'), 'MISFIRE_POLICY_FIRE_ALL');
    }
  });

  for (const [what, read, message] of [
    ['5', durationJson, '--x: "5" is not allowed; give a duration with a unit: 500ms, 15s, 10m, 1h30m or 5d'],
    [
      'noon',
      (flag: string, text: string) => timeJson(flag, text, T0, 'ago'),
      '--x: "noon" is not allowed; give a time such as 2026-01-31T12:00:00Z, or a duration such as 10m, 1h30m or 5d',
    ],
    [
      '2026-02-30T00:00:00Z',
      (flag: string, text: string) => timeJson(flag, text, T0, 'ago'),
      '--x: "2026-02-30T00:00:00Z" is not allowed; give a time such as 2026-01-31T12:00:00Z, or a duration such as 10m, 1h30m or 5d',
    ],
    ['=b', readEntry, '--x: "=b" is not allowed; give a name, an equals sign and a value'],
    [
      'x-key: Zebra',
      (_: string, text: string) => readEntry('--secret-header', text),
      '--secret-header: give a name, an equals sign and a value',
    ],
    ['1e3', readNumber, '--x: "1e3" is not allowed; give a number'],
    [
      '0',
      (flag: string, text: string) => readCount(flag, text, 10),
      '--x: "0" is not allowed; give a whole number from 1 to 10',
    ],
    [
      'both',
      (flag: string, text: string) => readWord(flag, text, ['skip', 'shift'], ''),
      '--x: "both" is not allowed; give one of skip, shift',
    ],
  ] as const) {
    it(`is refused when it is ${what}`, () => {
      assert.throws(() => read('--x', what), new UsageError(message));
    });
  }
});

describe('A moment', () => {
  it('is as far from now as its largest unit says', () => {
    const far = (ms: number) => fromNow(timestampFromMs(T0 + ms), T0);
    assert.deepEqual([0, 999, -999, -1000, 59_999, 60_000, -7_200_000, 90_000_000].map(far), [
      'now',
      'now',
      'now',
      '1s ago',
      'in 59s',
      'in 1m',
      '2h ago',
      'in 1d',
    ]);
    assert.equal(fromNow(undefined, T0), '');
    assert.equal(inFull(timestampFromMs(T0 - 60_000), T0), '2025-12-31T23:59:00.000Z (1m ago)');
  });
});

describe('A span', () => {
  it('is written in the unit that fits', () => {
    const written = (ms: number) =>
      span(
        create(DurationSchema, {
          seconds: BigInt(Math.trunc(ms / 1000)),
          nanos: Math.round((ms % 1000) * 1e6),
        }),
      );
    assert.deepEqual(
      [0.42, 12.5, 999, 1000, 1500, 15_000, 60_000, 90_000, 7_200_000, 86_400_000].map(written),
      ['0.4 ms', '13 ms', '999 ms', '1 s', '1.5 s', '15 s', '1 m', '90 s', '2 h', '1 d'],
    );
    assert.equal(span(undefined), '');
  });
});
