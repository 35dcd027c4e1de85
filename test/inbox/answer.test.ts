import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DomainError } from '../../src/domain/error.ts';
import { DEFAULT_ANSWER, parseAnswer, takeAnswer } from '../../src/inbox/answer.ts';

function refusal(json: string): string {
  try {
    parseAnswer(json);
  } catch (error) {
    assert.ok(error instanceof DomainError && error.code === 'INVALID', String(error));
    return error.message;
  }
  return assert.fail(`${json} was taken`);
}

describe('an inbox’s answer', () => {
  it('is 200 at once where nothing is said', () => {
    assert.deepEqual(parseAnswer('{}'), DEFAULT_ANSWER);
    assert.deepEqual(takeAnswer(DEFAULT_ANSWER).given, { status: 200, delayMs: 0, retryAfter: null });
  });

  it('fails as many requests as asked and then gives its status', () => {
    let answer = parseAnswer('{"status":204,"failNext":2,"failStatus":500}');
    const given: number[] = [];
    for (let i = 0; i < 4; i++) {
      const taken = takeAnswer(answer);
      given.push(taken.given.status);
      answer = taken.after;
    }
    assert.deepEqual(given, [500, 500, 204, 204]);
    assert.equal(answer.failNext, 0);
  });

  it('carries Retry-After with what is not a success, and only with that', () => {
    const answer = parseAnswer('{"retryAfter":7,"failNext":1}');
    const first = takeAnswer(answer);
    assert.equal(first.given.retryAfter, 7);
    assert.equal(takeAnswer(first.after).given.retryAfter, null);
  });

  it('takes both ends of each range', () => {
    const low = { status: 200, delayMs: 0, retryAfter: 0, failNext: 0, failStatus: 200 };
    const high = { status: 599, delayMs: 60_000, retryAfter: 86_400, failNext: 1_000, failStatus: 599 };
    assert.deepEqual(parseAnswer(JSON.stringify(low)), low);
    assert.deepEqual(parseAnswer(JSON.stringify(high)), high);
  });

  it('refuses what is outside a range, naming the field and the range', () => {
    assert.equal(refusal('{"status":199}'), 'status must be a whole number from 200 to 599');
    assert.equal(refusal('{"status":600}'), 'status must be a whole number from 200 to 599');
    assert.equal(refusal('{"delayMs":60001}'), 'delayMs must be a whole number from 0 to 60000');
    assert.equal(refusal('{"retryAfter":-1}'), 'retryAfter must be a whole number from 0 to 86400, or null');
    assert.equal(refusal('{"failNext":1.5}'), 'failNext must be a whole number from 0 to 1000');
    assert.equal(refusal('{"failStatus":"503"}'), 'failStatus must be a whole number from 200 to 599');
    assert.equal(refusal('{"status":null}'), 'status must be a whole number from 200 to 599');
  });

  it('names every wrong field, unknown ones with those there are', () => {
    assert.equal(
      refusal('{"status":1,"delay":5}'),
      'status must be a whole number from 200 to 599; ' +
        'delay is not a field; there are status, delayMs, retryAfter, failNext, failStatus',
    );
  });

  it('refuses what is not a JSON object, with an example of one', () => {
    for (const json of ['', '503', '[]', 'null', '{"status":503']) {
      assert.match(refusal(json), /must be a JSON object, for example \{"status":503/);
    }
  });

  it('does not take a field from the prototype for one of its own', () => {
    assert.match(refusal('{"__proto__":{"status":503}}'), /^__proto__ is not a field/);
    assert.match(refusal('{"constructor":1}'), /^constructor is not a field/);
  });
});
