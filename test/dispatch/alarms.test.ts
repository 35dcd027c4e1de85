import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Alarm, type Alarms, createAlarms, noAlarm } from '../../src/dispatch/alarms.ts';

interface Sleeper {
  readonly name: string;
  readonly alarm: Alarm;
}

function sleeper(name: string): Sleeper {
  return { name, alarm: noAlarm() };
}

function woken(alarms: Alarms<Sleeper>, now: number): string[] {
  const names: string[] = [];
  for (let one = alarms.takeDue(now); one !== undefined; one = alarms.takeDue(now)) names.push(one.name);
  return names;
}

describe('the alarms of lanes', () => {
  it('wake those whose time has come, soonest first, and once', () => {
    const alarms = createAlarms<Sleeper>();
    alarms.set(sleeper('late'), 30);
    alarms.set(sleeper('second'), 20);
    alarms.set(sleeper('first'), 10);
    assert.equal(alarms.nextAt, 10);
    assert.deepEqual(woken(alarms, 9), []);
    assert.deepEqual(woken(alarms, 20), ['first', 'second']);
    assert.deepEqual(woken(alarms, 30), ['late']);
    assert.deepEqual(woken(alarms, 1_000), []);
    assert.equal(alarms.nextAt, Number.POSITIVE_INFINITY);
  });

  it('let one sleep on that was woken meanwhile and sent to sleep for longer', () => {
    const alarms = createAlarms<Sleeper>();
    const lane = sleeper('lane');
    alarms.set(lane, 10);
    alarms.stop(lane);
    alarms.set(lane, 50);
    assert.deepEqual(woken(alarms, 10), []);
    assert.deepEqual(woken(alarms, 50), ['lane']);
  });

  it('wake one at the sooner of two times that it was set to', () => {
    const alarms = createAlarms<Sleeper>();
    const lane = sleeper('lane');
    alarms.set(lane, 50);
    alarms.set(lane, 10);
    assert.deepEqual(woken(alarms, 10), ['lane']);
    assert.deepEqual(woken(alarms, 50), []);
  });

  it('do not wake one that was stopped, or sleeps until something happens', () => {
    const alarms = createAlarms<Sleeper>();
    const lane = sleeper('lane');
    alarms.set(lane, 10);
    alarms.stop(lane);
    alarms.set(lane, Number.POSITIVE_INFINITY);
    assert.deepEqual(woken(alarms, 1_000), []);
  });
});
