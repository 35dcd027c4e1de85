import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admit, land, launch, leave } from '../../src/dispatch/lane.ts';
import { abandon, LANE_WAITING_MAX } from '../../src/dispatch/lane-queue.ts';
import { createLanes, type Lanes } from '../../src/dispatch/lanes.ts';
import type { AskedLimits } from '../../src/domain/webhook/asked.ts';
import { NO_CREDENTIALS } from '../../src/domain/webhook/credentials.ts';
import { aWaitingDelivery } from '../support/deliveries.ts';
import { DOWN } from '../support/lane-states.ts';
import { recordingLog } from '../support/log.ts';
import { aWebhook, T0 } from '../support/store.ts';

const NOW = T0;
const MINUTE = 60_000;

/** Lanes whose webhooks are all in memory, and alike. */
function someLanes(
  limits: AskedLimits = { concurrency: 8, ordered: false },
  forget: (id: string) => void = () => {},
): Lanes {
  const directory = { peek: (id: string) => aWebhook({ id, spec: { limits } }), forget };
  return createLanes({
    since: NOW - 60 * MINUTE,
    directory,
    keysOf: () => ({ secrets: [] }),
    credentialsOf: () => NO_CREDENTIALS,
    log: recordingLog().log,
  });
}

describe('the lanes of a node', () => {
  it('hold a hundred thousand deliveries in memory, all together, and have room again when some went', () => {
    const lanes = someLanes();
    const arrival = { now: NOW, room: true, overtakes: false };
    for (let i = 0; i < 100_000 / LANE_WAITING_MAX; i++) {
      assert.ok(lanes.hasRoom);
      const lane = lanes.of(`webhook-${i}`, NOW);
      for (let ord = 1; ord <= LANE_WAITING_MAX; ord++)
        assert.ok(admit(lane, aWaitingDelivery(i * LANE_WAITING_MAX + ord), arrival));
    }
    assert.equal(lanes.hasRoom, false);
    abandon(lanes.of('webhook-7', NOW).queue);
    assert.ok(lanes.hasRoom);
  });

  it('are forgotten, the longest idle first, when more than five thousand have nothing to do', () => {
    const lanes = someLanes();
    for (let i = 0; i < 5_010; i++) lanes.rest(lanes.of(`webhook-${i}`, NOW), NOW);
    assert.equal([...lanes.all()].length, 5_000);
    assert.equal(lanes.find('webhook-9'), undefined);
    assert.ok(lanes.find('webhook-10'));
  });

  it('are read anew after that, if their health is not what is remembered of their webhooks', () => {
    const forgotten: string[] = [];
    const lanes = someLanes(undefined, (id) => forgotten.push(id));
    const lane = lanes.of('webhook-0', NOW);
    launch(lane, lane.target!, NOW);
    land(lane, { verdict: { ...DOWN, unavailable: false }, ordered: false, now: NOW, unit: 0.5 });
    for (let i = 0; i < 5_002; i++) lanes.rest(lanes.of(`webhook-${i}`, NOW), NOW);
    assert.equal(lanes.find('webhook-1'), undefined);
    assert.deepEqual(forgotten, ['webhook-0']);
  });

  it('are kept when a new one would not be the same', () => {
    const lanes = someLanes({ concurrency: 8, ordered: false, rate: { perSecond: 1, burst: 5 } });
    const busy = lanes.of('in flight', NOW);
    launch(busy, busy.target!, NOW - MINUTE);
    const spent = lanes.of('rate used up', NOW);
    launch(spent, spent.target!, NOW);
    leave(spent);
    const failing = lanes.of('failing', NOW);
    launch(failing, failing.target!, NOW - MINUTE);
    land(failing, { verdict: DOWN, ordered: false, now: NOW - MINUTE, unit: 0.5 });
    const held = lanes.of('left alone', NOW);
    launch(held, held.target!, NOW - MINUTE);
    const verdict = { ...DOWN, unavailable: false, retryAfterMs: 5 * MINUTE };
    land(held, { verdict, ordered: false, now: NOW - MINUTE, unit: 0.5 });
    const kept = [busy, spent, failing, held];
    for (const lane of kept) lanes.rest(lane, NOW);
    for (let i = 0; i < 5_010; i++) lanes.rest(lanes.of(`webhook-${i}`, NOW), NOW);
    for (const lane of kept) assert.equal(lanes.find(lane.webhookId), lane);
  });

  it('let go of the webhook of one that has nothing to do for a while, unless it is being read', () => {
    const lanes = someLanes();
    const lane = lanes.of('webhook', NOW);
    lanes.sleep(lane, NOW + MINUTE, NOW);
    assert.ok(lane.target);
    lanes.sleep(lane, NOW + MINUTE + 1, NOW);
    assert.equal(lane.target, undefined);
  });
});
