import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  aim,
  emptyLane,
  type Lane,
  land,
  launch,
  leave,
  shut,
  type Target,
} from '../../src/dispatch/lane.ts';
import { HEALTHY } from '../../src/domain/delivery/lane.ts';
import { NO_CREDENTIALS } from '../../src/domain/webhook/credentials.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { DOWN } from '../support/lane-states.ts';
import { aWebhook, T0 } from '../support/store.ts';

const NOW = T0;
const FAILING = { ...HEALTHY, failingSince: NOW - 1_000, trips: 2, openUntil: NOW + 60_000, holdUntil: null };
const FAILED = { ...DOWN, retryAfterMs: 60_000 };

function targetOf(webhook: Webhook): Target {
  const rules = { open: webhook.state === 'ACTIVE', concurrency: 8 };
  return {
    webhook,
    rules,
    ordered: false,
    keys: { secrets: [] },
    credentials: NO_CREDENTIALS,
    origin: 'http://example.com',
  };
}

/** A lane whose webhook has been read, with these fields. */
function aimed(overrides: Partial<Webhook> = {}): Lane {
  const lane = emptyLane('webhook', 0, { waiting: 0 });
  aim(lane, targetOf(aWebhook(overrides)), NOW);
  return lane;
}

function again(lane: Lane, overrides: Partial<Webhook>): void {
  aim(lane, targetOf({ ...lane.target!.webhook, ...overrides }), NOW);
}

function fail(lane: Lane, ordered = false): void {
  launch(lane, lane.target!, NOW);
  land(lane, { verdict: FAILED, ordered, now: NOW, unit: 0.5 });
}

describe('the health of a lane', () => {
  it('is that of its webhook when the lane is new here', () => {
    assert.deepEqual(aimed({ health: FAILING }).state.health, FAILING);
  });

  it('is its own after that, whatever the row says of before', () => {
    const lane = aimed();
    fail(lane);
    const { health } = lane.state;
    again(lane, { version: 1 });
    assert.deepEqual(lane.state.health, health);
    const troubled = aimed({ health: FAILING });
    again(troubled, { version: 2, health: { ...FAILING, trips: 1 } });
    assert.deepEqual(troubled.state.health, FAILING);
  });

  it('is good again when a caller has resumed a webhook that was ACTIVE all the time', () => {
    const lane = aimed({ health: FAILING });
    again(lane, { version: 2, healthVersion: 2, health: HEALTHY });
    assert.deepEqual(lane.state.health, HEALTHY);
  });

  it('starts afresh where the webhook points elsewhere', () => {
    const lane = aimed();
    fail(lane);
    const { webhook } = lane.target!;
    const effective = { ...webhook.effective, destination: 'http://127.0.0.1:9998/elsewhere' };
    again(lane, { version: 2, healthVersion: 2, health: HEALTHY, effective });
    assert.deepEqual([lane.state.health, lane.state.holdUntil, lane.state.failures], [HEALTHY, 0, 0]);
  });

  it('forgets what held the lane when a webhook was paused and goes on', () => {
    const lane = aimed();
    fail(lane);
    assert.equal(lane.state.holdUntil, NOW + 60_000);
    const { health } = lane.state;
    again(lane, { version: 2, state: 'PAUSED', health });
    assert.equal(lane.state.holdUntil, NOW + 60_000);
    again(lane, { version: 3, healthVersion: 3, state: 'ACTIVE', health: HEALTHY });
    assert.deepEqual([lane.state.holdUntil, lane.state.failures], [0, 0]);
  });
});

describe('a lane that is shut', () => {
  it('does not move until its webhook is read as ACTIVE again, and is shut once', () => {
    const lane = aimed();
    assert.equal(shut(lane), true);
    assert.equal(lane.target!.rules.open, false);
    assert.equal(shut(lane), false);
    again(lane, { version: 2, state: 'DISABLED' });
    assert.equal(shut(lane), false);
    again(lane, { version: 3, state: 'ACTIVE' });
    assert.equal(lane.target!.rules.open, true);
    assert.equal(shut(lane), true);
  });
});

describe('what a lane has in flight', () => {
  it('is what was launched and has not come back', () => {
    const lane = aimed();
    launch(lane, lane.target!, NOW);
    fail(lane);
    assert.equal(lane.state.inFlight, 1);
    leave(lane);
    assert.equal(lane.state.inFlight, 0);
  });

  it('counts in an ordered lane until it has been settled', () => {
    const lane = aimed();
    fail(lane, true);
    assert.equal(lane.state.inFlight, 1);
    leave(lane);
    assert.equal(lane.state.inFlight, 0);
  });
});
