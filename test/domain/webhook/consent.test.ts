import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../../../src/domain/delivery/attempt.ts';
import { afterAnswer, judgeConsent, rateWithin, unasked } from '../../../src/domain/webhook/consent.ts';

const ORIGIN = 'hooks.example.com';
const tried = { startedAt: 1_000, durationMs: 5, timing: {} };
const answered = (headers: Record<string, string>, status = 200): Outcome => ({
  ...{ kind: 'answered', status, headers, body: new Uint8Array(), truncated: false },
  ...tried,
});
const failed = (errorClass: 'CONNECT' | 'LOCAL' | 'PROXY'): Outcome => ({
  ...{ kind: 'failed', errorClass, message: 'connection refused' },
  ...tried,
});
const allowed = (origin: string, rate?: string) => ({
  'webhook-allowed-origin': origin,
  ...(rate !== undefined && { 'webhook-allowed-rate': rate }),
});

describe('the answer of a destination that is asked whether it wants to be sent to', () => {
  for (const [what, headers, perMinute, expected] of [
    ['its origin and a rate', allowed(ORIGIN, '120'), undefined, 120],
    ['any origin, and no bound', allowed('*', '*'), 100, undefined],
    ['the origin in another case', allowed(' Hooks.Example.COM ', ' 7 '), undefined, 7],
    ['no rate, where none was asked for', allowed(ORIGIN), undefined, undefined],
    ['no rate, where one was asked for', allowed(ORIGIN), 100, 100],
    ['less than was asked for', allowed(ORIGIN, '60'), 100, 60],
  ] as const) {
    it(`is a consent with ${what}`, () => {
      const asked = { origin: ORIGIN, ...(perMinute !== undefined && { perMinute }) };
      const said = judgeConsent(asked, answered(headers));
      assert.deepEqual(said, { says: 'YES', ...(expected !== undefined && { allowedPerMinute: expected }) });
    });
  }

  for (const [what, outcome, reason] of [
    ['no word of it', answered({ allow: 'POST' }), /^it answered 200 without WebHook-Allowed-Origin$/],
    ['405', answered({}, 405), /^it answered 405 without WebHook-Allowed-Origin$/],
    ['an error', answered(allowed('*', '*'), 500), /^it answered 500, which is no consent$/],
    ['a redirect', answered(allowed('*', '*'), 302), /^it answered 302/],
    ['another origin', answered(allowed('other.example', '1')), /is "other\.example", and neither hooks/],
    ['several origins', answered(allowed(`${ORIGIN}, *`, '1')), /^its WebHook-Allowed-Origin is/],
    ['nothing', answered(allowed('', '1')), /^its WebHook-Allowed-Origin is ""/],
    ['a rate of 0', answered(allowed('*', '0')), /^its WebHook-Allowed-Rate is "0", and neither a number/],
    ['a negative rate', answered(allowed('*', '-5')), /^its WebHook-Allowed-Rate is "-5"/],
    ['a fraction', answered(allowed('*', '1.5')), /^its WebHook-Allowed-Rate is "1\.5"/],
    ['words', answered(allowed('*', 'many'.repeat(99))), /^its WebHook-Allowed-Rate is "many.{40,60}…", and/],
  ] as const) {
    it(`is none with ${what}`, () => {
      const said = judgeConsent({ origin: ORIGIN }, outcome);
      assert.ok(said.says === 'NO');
      assert.match(said.reason, reason);
    });
  }

  it('is no refusal where there is none', () => {
    const said = judgeConsent({ origin: ORIGIN }, failed('CONNECT'));
    assert.deepEqual(said, { says: 'NOTHING', reason: 'connection refused' });
  });
});

describe('what stands after an answer', () => {
  const now = 2_000;
  const next = (before: ReturnType<typeof unasked>, outcome: Outcome) =>
    afterAnswer(before, judgeConsent({ origin: ORIGIN }, outcome), { outcome, now, unit: 0.5 });

  it('is a consent, and nobody is asked again', () => {
    const after = next({ ...unasked(0, 3), state: 'REFUSED', tries: 4 }, answered(allowed('*', '9')));
    assert.deepEqual(after, {
      ...{ state: 'GRANTED', allowedPerMinute: 9, askedAt: 1_000, dueAt: null, tries: 0, since: 3 },
    });
  });

  it('is asked again after 5 s, then after twice as long each time, up to an hour', () => {
    let standing = unasked(0, 1);
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      standing = next(standing, answered({}, 405));
      waits.push((standing.dueAt! - now) / 1000);
    }
    assert.deepEqual(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
    assert.equal(standing.state, 'REFUSED');
  });

  it('waits for as long as the destination asks for', () => {
    assert.equal(next(unasked(0, 1), answered({ 'retry-after': '90' }, 429)).dueAt, now + 90_000);
  });

  it('is PENDING where nothing was answered, but for one that had refused', () => {
    assert.equal(next(unasked(0, 1), failed('CONNECT')).state, 'PENDING');
    assert.equal(next({ ...unasked(0, 1), state: 'REFUSED' }, failed('CONNECT')).state, 'REFUSED');
  });

  it('is asked no later for trouble of our own', () => {
    for (const errorClass of ['LOCAL', 'PROXY'] as const) {
      const after = next({ ...unasked(0, 1), tries: 2 }, failed(errorClass));
      assert.deepEqual([after.tries, after.dueAt], [2, now + 20_000], errorClass);
    }
  });
});

describe('a rate within what a destination allows', () => {
  for (const [own, allowedPerMinute, expected] of [
    [undefined, undefined, undefined],
    [{ perSecond: 2, burst: 5 }, undefined, { perSecond: 2, burst: 5 }],
    [undefined, 120, { perSecond: 2, burst: 1 }],
    [{ perSecond: 5, burst: 50 }, 120, { perSecond: 2, burst: 1 }],
    [{ perSecond: 1, burst: 5 }, 120, { perSecond: 1, burst: 5 }],
    [{ perSecond: 1, burst: 500 }, 120, { perSecond: 1, burst: 60 }],
    [{ perSecond: 1.999, burst: 9 }, 120, { perSecond: 1.999, burst: 1 }],
  ] as const) {
    it(`is ${JSON.stringify(expected)} for ${JSON.stringify(own)} within ${allowedPerMinute}`, () => {
      assert.deepEqual(rateWithin(own, allowedPerMinute), expected);
    });
  }
});
