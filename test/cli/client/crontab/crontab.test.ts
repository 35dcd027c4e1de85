import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCrontab } from '../../../../src/cli/client/crontab/crontab.ts';

const jobsOf = (text: string, system = false) => parseCrontab(text, { system }).jobs;
const refusalsOf = (text: string, system = false) => parseCrontab(text, { system }).refusals;

describe('a crontab', () => {
  it('has comments, settings and jobs, each job with the settings above it', () => {
    const text = [
      '# m h dom mon dow command',
      '',
      'CRON_TZ=Europe/Vienna',
      ' NAME = "two words "',
      "'OTHER'='x'",
      '\t*/5  8-18 * * MON-FRI\tcurl a # not a comment of the crontab',
      'NAME=later',
      '@Daily curl b',
    ].join('\r\n');
    const [first, second] = jobsOf(text);
    assert.deepEqual(
      [first?.line, first?.schedule, first?.command],
      [6, '*/5 8-18 * * MON-FRI', 'curl a # not a comment of the crontab'],
    );
    assert.deepEqual(
      [...first!.env],
      [
        ['CRON_TZ', 'Europe/Vienna'],
        ['NAME', 'two words '],
        ['OTHER', 'x'],
      ],
    );
    assert.deepEqual([second?.line, second?.schedule, second?.command], [8, '@daily', 'curl b']);
    assert.equal(second?.env.get('NAME'), 'later');
  });

  for (const [what, command, expected] of [
    ['no %', 'curl a', ['curl a', undefined]],
    ['an input', 'curl -d @- a%one%two', ['curl -d @- a', 'one\ntwo\n']],
    ['an escaped %', 'curl a?b=\\%20', ['curl a?b=%20', undefined]],
    ['an escaped % in its input', 'curl a%50\\%', ['curl a', '50%\n']],
    ['an empty input', 'curl a%', ['curl a', '']],
  ] as const) {
    it(`takes % for a line break, and for the end of the command: ${what}`, () => {
      const [job] = jobsOf(`* * * * * ${command}`);
      assert.deepEqual([job?.command, job?.input], expected);
    });
  }

  it('names a user before the command when it is that of the system', () => {
    const [job] = jobsOf('0 0 * * *  root  curl a', true);
    assert.deepEqual([job?.schedule, job?.command], ['0 0 * * *', 'curl a']);
    assert.equal(jobsOf('@hourly www-data curl b', true)[0]?.command, 'curl b');
  });

  for (const [line, reason] of [
    ['@reboot curl a', /runs when a machine starts/],
    ['@noon curl a', /^@noon is no time; there are @yearly, /],
    ['* * * *', /has no five fields of time and command/],
    ['@daily', /has no nickname and command/],
    ['what is this', /has no five fields/],
  ] as const) {
    it(`says why it does not take ${line}`, () => {
      const [refusal] = refusalsOf(`\n${line}`);
      assert.equal(refusal?.line, 2);
      assert.match(refusal!.reason, reason);
    });
  }
});
