import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createOutbox } from '../../../src/rpc/transport/outbox.ts';
import { manualClock } from '../../support/clock.ts';

/** Of a thousand bytes in all, 600 are for one connection. */
function outboxOf(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const clock = manualClock(0);
  const limits = { connectionBytesMax: 600, bytesMax: 1_000, takeMs: 30_000, bytesPerSecondMin: 10 };
  const outbox = createOutbox(clock, { ...limits, pressedMs: 1_000, checkMs: 500 });
  const cutOff: string[] = [];
  const open = (connection: object, name: string) => outbox.open(connection, () => cutOff.push(name));
  return {
    outbox,
    cutOff,
    unread: (connection: object, name: string, bytes: number) => open(connection, name).wrote(bytes),
    /** Waits, and resolves with what becomes of it. */
    waits: (connection: object, name: string, bytes: number) =>
      open(connection, name)
        .room(bytes)
        ?.then(
          () => 'let in',
          () => 'gone',
        ) ?? assert.fail('it need not wait'),
    pass(ms: number) {
      clock.advance(ms);
      t.mock.timers.tick(500);
    },
  };
}

describe('Where answers that nobody reads leave no room for others', () => {
  it('the connection that holds most is cut off once it has not read for a while, with what waits for it', async (t) => {
    const { unread, waits, pass, cutOff, outbox } = outboxOf(t);
    const [small, large, other] = [{}, {}, {}];
    unread(small, 'small', 300);
    unread(large, 'large', 600);
    const behind = waits(large, 'behind', 100);
    const waiting = waits(other, 'waiting', 200);
    pass(900);
    assert.deepEqual(cutOff, []);
    pass(200);
    assert.deepEqual(cutOff, ['behind', 'large']);
    assert.deepEqual([await behind, await waiting, outbox.bytes], ['gone', 'let in', 500]);
  });

  it('nobody is cut off for a call that waits for its own connection only', (t) => {
    const { unread, waits, pass, cutOff } = outboxOf(t);
    const connection = {};
    unread(connection, 'full', 600);
    void waits(connection, 'behind', 100);
    pass(5_000);
    assert.deepEqual(cutOff, []);
  });

  it('a longer answer has longer to be read', (t) => {
    const { unread, pass, cutOff } = outboxOf(t);
    unread({}, 'short', 10);
    unread({}, 'long', 100);
    pass(32_000);
    assert.deepEqual(cutOff, ['short']);
    pass(9_000);
    assert.deepEqual(cutOff, ['short', 'long']);
  });
});
