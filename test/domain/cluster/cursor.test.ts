import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cursorAfter } from '../../../src/domain/cluster/cursor.ts';

describe('the cursor after a poll', () => {
  it('goes on after the highest transaction that was seen to be committed', () => {
    assert.deepEqual(cursorAfter({ xmax: 120n, xip: [] }, 104n), { from: 105n, open: [] });
  });

  it('goes on at the end of the snapshot where more than that was seen meanwhile', () => {
    assert.deepEqual(cursorAfter({ xmax: 120n, xip: [] }, 200n), { from: 120n, open: [] });
  });

  it('comes back to transactions that were open, if it does not read them anyway', () => {
    assert.deepEqual(cursorAfter({ xmax: 120n, xip: [90n, 104n, 105n, 110n] }, 104n), {
      from: 105n,
      open: [90n, 104n],
    });
  });
});
