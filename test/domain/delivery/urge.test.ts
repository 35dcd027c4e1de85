import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { askedFor, leaveOver, leaveTaken, NO_URGE, soughtFirst } from '../../../src/domain/delivery/urge.ts';

describe('an urge', () => {
  it('gives one delivery leave and puts the wished-for one first', () => {
    assert.deepEqual(askedFor(7), { leave: 'ASKED', first: 7 });
  });

  it('lets the one that goes first be looked for until its leave is used up', () => {
    const missing = soughtFirst(askedFor(7), false);
    assert.equal(missing.first, 7);
    const used = leaveTaken(missing, true);
    assert.equal(used.first, 7);
    assert.equal(soughtFirst(used, false).first, undefined);
  });

  it('keeps its leave when the one that goes first has been found', () => {
    assert.deepEqual(soughtFirst(askedFor(7), true), { leave: 'ASKED', first: undefined });
  });

  it('is under way only if the lane had to wait', () => {
    assert.equal(leaveTaken(askedFor(7), true).leave, 'SENT');
    assert.equal(leaveTaken(askedFor(7), false).leave, 'NONE');
    assert.equal(leaveTaken(NO_URGE, true).leave, 'NONE');
  });

  it('is over when an attempt ends, unless a caller has asked again meanwhile', () => {
    assert.equal(leaveOver(leaveTaken(askedFor(7), true)).leave, 'NONE');
    assert.equal(leaveOver(askedFor(8)).leave, 'ASKED');
  });
});
