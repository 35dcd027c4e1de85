import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { lineFor } from '../../src/telemetry/line.ts';

const TIME = '2026-11-24T04:21:55.731Z';
const CLOCK = new Date(TIME).toTimeString().slice(0, 8);
const ATTEMPT = {
  level: 'info',
  time: TIME,
  webhookName: 'joe',
  eventType: 'carillon.run',
  attempt: 1,
  durationMs: 3,
  state: 'SUCCEEDED',
  msg: "Webhook to 'http://127.0.0.1/hook' dispatched, response code: 200",
};

describe('a line of the log for a person', () => {
  it('shows an attempt in one line: when, whose, how long, and the words that people search for', () => {
    assert.equal(
      shown(ATTEMPT),
      `${CLOCK}.731  joe              3 ms  Webhook to 'http://127.0.0.1/hook' dispatched, response code: 200\n`,
    );
  });

  it('says of one that failed which event it was about, which attempt, and when the next is', () => {
    const failed = { ...ATTEMPT, eventType: 'order.paid', attempt: 2, state: 'PENDING', retryAt: TIME };
    assert.match(shown(failed), new RegExp(`order\\.paid {2}attempt 2 {2}again at ${CLOCK}\n$`));
    assert.match(shown({ ...failed, state: 'FAILED', reason: 'EXHAUSTED' }), /FAILED EXHAUSTED\n$/);
  });

  it('keeps its columns whatever a webhook is called', () => {
    const at = (line: string) => line.indexOf('Webhook to');
    const long = shown({ ...ATTEMPT, webhookName: 'the very long name of a webhook', durationMs: 15_000 });
    assert.equal(at(long), at(shown(ATTEMPT)));
    assert.match(long, /the very lo… {2}15\.00 s/);
  });

  it('stays one line that moves no cursor, whatever names and messages contain', () => {
    const line = shown({ ...ATTEMPT, webhookName: 'a\nb\u001b[2J', msg: 'one\r\ntwo\u202e' });
    assert.equal(line.split('\n').length, 2);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    assert.doesNotMatch(line, /[\u001b\r\u202e]/);
  });

  it('shows a call with its code, and what it was about', () => {
    const call = { time: TIME, rpc: 'carillon.v1.WebhookService/Register', protocol: 'connect', code: 'ok' };
    assert.match(
      shown({ ...call, durationMs: 2.34, webhookId: 'wh_1', msg: 'x' }),
      /connect +2 ms {2}WebhookService\/Register ok {2}wh_1\n$/,
    );
  });

  it('shows the stack of an error below the line', () => {
    const line = shown({ level: 'error', time: TIME, msg: 'broke', err: { stack: 'Error: x\n    at y' } });
    assert.match(line, /error +broke\n {4}Error: x\n {8}at y\n$/);
  });

  it('tells by its colour how it went, and has none where there is no terminal', () => {
    const colours = [ATTEMPT, { ...ATTEMPT, state: 'PENDING' }, { ...ATTEMPT, state: 'FAILED' }].map(
      (fields) => lineFor(JSON.stringify(fields), { colors: true }),
    );
    assert.equal(new Set(colours.map((line) => line.replace(stripVTControlCharacters(line), ''))).size, 3);
    assert.equal(shown(ATTEMPT), stripVTControlCharacters(colours[0]!));
    assert.notEqual(shown(ATTEMPT), colours[0]);
  });
});

function shown(fields: object): string {
  return lineFor(JSON.stringify(fields), { colors: false });
}
