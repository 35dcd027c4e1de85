import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFinished } from '../../src/dispatch/finished.ts';

describe('what is known of deliveries that are finished', () => {
  it('lasts until a poll that began after their end has been taken in', () => {
    const finished = createFinished();
    finished.note(7);
    assert.ok(finished.has(7));
    finished.pollBegins();
    assert.ok(finished.has(7));
    finished.pollEnds();
    assert.equal(finished.has(7), false);
  });

  it('outlasts a poll during which they came to their end, which may have read before', () => {
    const finished = createFinished();
    finished.pollBegins();
    finished.note(7);
    finished.pollEnds();
    assert.ok(finished.has(7));
    finished.pollBegins();
    assert.ok(finished.has(7));
    finished.pollEnds();
    assert.equal(finished.has(7), false);
  });

  it('outlasts a poll that failed', () => {
    const finished = createFinished();
    finished.note(7);
    finished.pollBegins();
    finished.note(8);
    finished.pollBegins();
    assert.ok(finished.has(7) && finished.has(8));
    finished.pollEnds();
    assert.equal(finished.has(7) || finished.has(8), false);
  });
});
