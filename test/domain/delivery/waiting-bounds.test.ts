import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exceededBound, type Waiting } from '../../../src/domain/delivery/waiting-bounds.ts';

const BOUNDS = { waitingMax: 10, namespaceWaitingMax: 4 };

function waitingNow(counts: Readonly<Record<string, number>>): Waiting {
  return {
    total: () => Object.values(counts).reduce((sum, count) => sum + count, 0),
    of: (namespace) => counts[namespace] ?? 0,
  };
}

function arrival(...namespaces: string[]) {
  return { webhooks: namespaces.map((namespace) => ({ namespace })), run: false };
}

describe('the bounds on what waits', () => {
  it('have room for as many deliveries as they say, and not for one more', () => {
    const waiting = waitingNow({ a: 2 });
    assert.equal(exceededBound(arrival('a', 'a'), waiting, BOUNDS), undefined);
    assert.equal(exceededBound(arrival('a', 'a', 'a'), waiting, BOUNDS), 'NAMESPACE');
  });

  it('have room in one namespace while another is full, up to the bound of all', () => {
    assert.equal(exceededBound(arrival('b'), waitingNow({ a: 4, c: 4 }), BOUNDS), undefined);
    assert.equal(exceededBound(arrival('b', 'b'), waitingNow({ a: 4, c: 4 }), BOUNDS), undefined);
    assert.equal(exceededBound(arrival('b', 'b', 'b'), waitingNow({ a: 4, c: 4 }), BOUNDS), 'ALL');
  });

  it('count the deliveries of each namespace of an arrival by themselves', () => {
    const waiting = waitingNow({ a: 2, b: 2 });
    assert.equal(exceededBound(arrival('a', 'b', 'a', 'b'), waiting, BOUNDS), undefined);
    assert.equal(exceededBound(arrival('a', 'b', 'b', 'b'), waiting, BOUNDS), 'NAMESPACE');
  });

  it('have room for a run however much waits', () => {
    const waiting = waitingNow({ a: 100 });
    assert.equal(exceededBound({ ...arrival('a'), run: true }, waiting, BOUNDS), undefined);
    assert.equal(exceededBound(arrival('a'), waiting, BOUNDS), 'ALL');
  });

  it('have room for an event that nobody waits for, even when more waits than a lowered bound allows', () => {
    assert.equal(exceededBound(arrival(), waitingNow({ a: 100 }), BOUNDS), undefined);
  });
});
