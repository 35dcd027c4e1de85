// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is what is tested.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WebhookSchema } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { pathText } from '../../../../src/cli/client/declared/differences.ts';
import { messageJson } from '../../../../src/cli/client/declared/fields.ts';

const ENV = { ON: 'true', COUNT: '3', HALF: '0.5', SPAN: '5m', WORD: 'x' };

function read(value: unknown) {
  const problems: string[] = [];
  const json = messageJson(WebhookSchema, value, {
    env: ENV,
    problem: (path, message) => problems.push(`${pathText(path)}: ${message}`),
    substituted() {},
  });
  return { json, problems };
}

describe('a webhook in a file', () => {
  it('has both names of fields, short names of enum values, durations and variables of every kind', () => {
    const { json, problems } = read({
      event_types: ['a', '${WORD}'],
      schedule: {
        every: '1h30m',
        misfirePolicy: 'SKIP',
        overlap_policy: 'OVERLAP_POLICY_ALLOW',
        max_runs: '${COUNT}',
      },
      timeout: '${SPAN}',
      retryPolicy: { delays: ['7d', '0.5s', '500ms', '300s'], jitter: '${HALF}' },
      limits: { ordered: '${ON}', concurrency: 2 },
      labels: { a: '${WORD}' },
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(json, {
      eventTypes: ['a', 'x'],
      schedule: {
        every: '5400s',
        misfirePolicy: 'MISFIRE_POLICY_SKIP',
        overlapPolicy: 'OVERLAP_POLICY_ALLOW',
        maxRuns: 3,
      },
      timeout: '300s',
      retryPolicy: { delays: ['604800s', '0.5s', '0.5s', '300s'], jitter: 0.5 },
      limits: { ordered: true, concurrency: 2 },
      labels: { a: 'x' },
    });
  });

  for (const [value, problem] of [
    [{ name: 5 }, 'name: name must be text (put it in quotes), and is 5'],
    [{ name: null }, 'name: name has no value; give it one, or leave it out'],
    [{ labels: { version: 1.2 } }, 'labels.version: version must be text (put it in quotes), and is 1.2'],
    [{ labels: ['a'] }, 'labels: labels must be a mapping of names to values, and is a list'],
    [{ eventTypes: 'a' }, 'eventTypes: eventTypes must be a list, and is "a"'],
    [{ schedule: '5s' }, 'schedule: schedule must be a mapping of fields to values, and is "5s"'],
    [{ timeout: 15 }, 'timeout: timeout must be a duration such as 500ms, 15s, 5m, 1h30m or 7d, and is 15'],
    [{ schedule: { at: 5 } }, 'schedule.at: at must be a time such as 2026-01-31T12:00:00Z, and is 5'],
    [{ limits: { ordered: 'yes' } }, 'limits.ordered: ordered must be true or false, and is "yes"'],
    [{ limits: { concurrency: 1.5 } }, 'limits.concurrency: concurrency must be a whole number, and is 1.5'],
    [
      { schedule: { maxRuns: 2 ** 53 } },
      'schedule.maxRuns: maxRuns must be a whole number, and is 9007199254740992',
    ],
    [{ retryPolicy: { jitter: Number.NaN } }, 'retryPolicy.jitter: jitter must be a number, and is NaN'],
    [
      { schedule: { cron: 'a', every: '1s' } },
      'schedule.every: every and cron are both given; give one of them',
    ],
    [
      { eventTypes: [], event_types: [] },
      'event_types: event_types and eventTypes are both given; give one of them',
    ],
    [[], ': a webhook must be a mapping of fields to values, and is a list'],
    // What may be secret is not repeated.
    [
      { auth: { bearer: { token: 'Zebra' } } },
      'auth.bearer.token: token must be a mapping of fields to values, and is text',
    ],
    [
      { auth: { basic: { password: { value: 12345 } } } },
      'auth.basic.password.value: value must be text (put it in quotes), and is a number',
    ],
    [
      { secretHeaders: { 'x-key': 'Zebra' } },
      'secretHeaders.x-key: x-key must be a mapping of fields to values, and is text',
    ],
    [
      { headers: 'authorization: Zebra' },
      'headers: headers must be a mapping of names to values, and is text',
    ],
    [{ signing: 'whsec_Zebra' }, 'signing: signing must be a mapping of fields to values, and is text'],
  ] as const) {
    it(`is told what is wrong with it: ${JSON.stringify(value)}`, () => {
      assert.deepEqual(read(value).problems, [problem]);
    });
  }

  it('cannot say what the server says', () => {
    const problems: string[] = [];
    const reading = {
      env: {},
      problem: (_: unknown, message: string) => problems.push(message),
      substituted() {},
    };
    messageJson(WebhookSchema, { state: 'ACTIVE', uid: 'x' }, reading, [], new Set(['state', 'uid']));
    assert.deepEqual(problems, [
      'state is not for a file to say: the server sets it; leave it out',
      'uid is not for a file to say: the server sets it; leave it out',
    ]);
  });
});
