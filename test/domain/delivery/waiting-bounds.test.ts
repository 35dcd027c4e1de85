import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasRoom, hasRoomAgain, type Waiting } from '../../../src/domain/delivery/waiting-bounds.ts';

const BOUNDS = { waitingMax: 10, namespaceWaitingMax: 4 };

/** So many wait in the lanes 1, 2 … of the namespaces a, b …, one each. */
function waitingNow(...counts: readonly number[]): Waiting {
  return {
    total: () => counts.reduce((sum, count) => sum + count, 0),
    of: (namespace) => counts['abc'.indexOf(namespace)] ?? 0,
    in: ({ key }) => counts[key - 1] ?? 0,
  };
}

describe('an event', () => {
  const event = (deliveries: number) => ({ deliveries, run: false });

  it('has room up to the bound of all, however full its namespace is', () => {
    assert.ok(hasRoom(event(2), waitingNow(8), BOUNDS));
    assert.ok(!hasRoom(event(3), waitingNow(8), BOUNDS));
  });

  it('has room as a run however much waits, and where nobody waits for it', () => {
    assert.ok(hasRoom({ deliveries: 1, run: true }, waitingNow(100), BOUNDS));
    assert.ok(hasRoom(event(0), waitingNow(100), BOUNDS));
  });
});

describe('what is sent again by hand', () => {
  const lane = { key: 1, namespace: 'a', waitingMax: 3 };

  it('has room up to the bound of its webhook', () => {
    assert.ok(hasRoomAgain(lane, waitingNow(2), BOUNDS));
    assert.ok(!hasRoomAgain(lane, waitingNow(3), BOUNDS));
  });

  it('has room up to the bound of its namespace, and of all', () => {
    const wide = { ...lane, waitingMax: 100 };
    assert.ok(hasRoomAgain(wide, waitingNow(3, 6), BOUNDS));
    assert.ok(!hasRoomAgain(wide, waitingNow(4), BOUNDS));
    assert.ok(!hasRoomAgain(wide, waitingNow(3, 7), BOUNDS));
  });
});
