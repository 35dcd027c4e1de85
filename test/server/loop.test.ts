import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toRfc3339 } from '../../src/domain/rfc3339.ts';
import { startLoop } from '../../src/server/loop.ts';
import { manualClock } from '../support/clock.ts';
import { recordingLog } from '../support/log.ts';
import { until } from '../support/pipeline.ts';
import { T0 } from '../support/store.ts';
import { TOGETHER } from '../support/together.ts';

const NEVER_MS = 3_600_000;

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function ticked(counted: { readonly ticks: number }, count: number): Promise<true> {
  return until(() => (counted.ticks >= count ? true : undefined));
}

/** A loop over ticks that are counted; what each does is given. */
function aLoop(options: { tick?: () => Promise<void> | void; idleMs?: number; restMs?: number } = {}) {
  const { log, lines } = recordingLog();
  const clock = manualClock(T0);
  const counted = { ticks: 0 };
  const loop = startLoop({
    name: 'counter',
    async tick() {
      counted.ticks++;
      await options.tick?.();
    },
    idleMs: () => options.idleMs ?? NEVER_MS,
    restMs: options.restMs ?? 0,
    clock,
    log,
  });
  return { loop, counted, lines, clock };
}

describe('a loop', TOGETHER, () => {
  it('sleeps when there is nothing to do, until it is woken', async () => {
    const { loop, counted } = aLoop();
    await wait(50);
    assert.equal(counted.ticks, 1);
    loop.wake();
    await ticked(counted, 2);
    await loop.stop();
  });

  it('does not lose a call that comes during a tick', async () => {
    const gate = Promise.withResolvers<void>();
    const { loop, counted } = aLoop({ tick: () => gate.promise });
    loop.wake();
    gate.resolve();
    await ticked(counted, 2);
    await loop.stop();
  });

  it('gathers what comes together: it rests between two ticks, even when it is woken', async () => {
    const { loop, counted } = aLoop({ restMs: 500 });
    loop.wake();
    await wait(50);
    loop.wake();
    await wait(50);
    assert.equal(counted.ticks, 1);
    await ticked(counted, 2);
    await loop.stop();
  });

  it('goes on after a tick that failed, a while later, and says so, and when it works again', async () => {
    let fails = true;
    const tick = (): void => {
      if (fails) throw new Error('disk full');
    };
    const { loop, counted, lines } = aLoop({ tick });
    await wait(100);
    assert.equal(counted.ticks, 1);
    fails = false;
    await ticked(counted, 2);
    await until(() => (lines.length >= 2 ? true : undefined));
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields]),
      [
        ['error', { loop: 'counter', reason: 'disk full' }],
        ['info', { loop: 'counter' }],
      ],
    );
    await loop.stop();
  });

  it('says that it still fails after a while, and not each second', async () => {
    let fails = true;
    const tick = (): void => {
      if (fails) throw new Error('disk full');
    };
    const { loop, counted, lines, clock } = aLoop({ tick });
    await ticked(counted, 2);
    clock.advance(10_000);
    await ticked(counted, 3);
    fails = false;
    await ticked(counted, 4);
    await until(() => (lines.at(-1)?.level === 'info' ? true : undefined));
    assert.deepEqual(
      lines.map(({ fields, message }) => [message, fields]),
      [
        ['counter failed; it is tried again every second', { loop: 'counter', reason: 'disk full' }],
        ['counter still fails', { loop: 'counter', reason: 'disk full', since: toRfc3339(T0), failures: 3 }],
        ['counter works again', { loop: 'counter', since: toRfc3339(T0), failures: 3 }],
      ],
    );
    await loop.stop();
  });

  it('lets the tick under way finish when it stops, makes no more, and can be stopped twice', async () => {
    const gate = Promise.withResolvers<void>();
    const { loop, counted } = aLoop({ tick: () => gate.promise, idleMs: 0 });
    let stopped = false;
    const both = Promise.all([loop.stop(), loop.stop()]).then(() => {
      stopped = true;
    });
    await wait(20);
    assert.equal(stopped, false);
    gate.resolve();
    await both;
    assert.equal(counted.ticks, 1);
  });
});
