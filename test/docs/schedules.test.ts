import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromJsonString } from '@bufbuild/protobuf';
import { ScheduleSchema } from '../../gen/carillon/v1/schedule_pb.ts';
import { noProblems } from '../../src/domain/problems.ts';
import { scheduleViolations } from '../../src/domain/schedule/rules.ts';
import { scheduleWords } from '../../src/domain/schedule/words/words.ts';
import { scheduleOf } from '../../src/domain/webhook/defaults.ts';
import { scheduleFrom } from '../../src/rpc/convert/schedule.ts';
import { blockOf, rowsOf } from '../support/docs.ts';
import { utc } from '../support/schedule.ts';

const NOW = utc('2026-01-01T00:00Z');

describe('the page about schedules', () => {
  const rows = rowsOf(blockOf('docs/schedules.md', 'schedules', 'all'));

  for (const [json = '', words] of rows) {
    it(`says what is true of ${json}`, () => {
      const problems = noProblems();
      const asked = scheduleFrom(fromJsonString(ScheduleSchema, json), problems);
      assert.ok(asked);
      const schedule = scheduleOf(asked);
      const rules = { now: NOW, everyMinMs: 1_000, field: 'schedule' };
      assert.deepEqual([problems.list(), scheduleViolations(schedule, rules)], [[], []]);
      assert.equal(scheduleWords(schedule, NOW), words);
    });
  }

  it('shows every way to say when a webhook rings', () => {
    const ways = rows.map(([json = '']) => Object.keys(JSON.parse(json))[0]);
    const when = ScheduleSchema.oneofs.find(({ name }) => name === 'when');
    assert.deepEqual([...new Set(ways)].toSorted(), when?.fields.map(({ jsonName }) => jsonName).toSorted());
  });
});
