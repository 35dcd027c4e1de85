import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LEASE_MS } from '../../../src/domain/cluster/lease.ts';
import { type NodeBeats, observe, type Watch } from '../../../src/domain/cluster/watch.ts';

/** Looks at these times, each of which took 10 ms, and returns who is to be buried after the last. */
function watching(looks: readonly (readonly [sentAt: number, nodes: readonly NodeBeats[]])[]) {
  let watch: Watch | undefined;
  let still: readonly NodeBeats[] = [];
  for (const [sentAt, nodes] of looks) {
    ({ watch, still } = observe(watch, nodes, { sentAt, answeredAt: sentAt + 10 }));
  }
  return still;
}

/** A look each 2 s, at a node that stands still at 7. */
function standing(untilMs: number): [number, NodeBeats[]][] {
  const looks: [number, NodeBeats[]][] = [];
  for (let at = 0; at < untilMs; at += 2_000) looks.push([at, [{ node: 'b', beats: 7 }]]);
  return [...looks, [untilMs, [{ node: 'b', beats: 7 }]]];
}

describe('a node whose beats stand still', () => {
  it('is buried after a whole lease, from the answer to the first look to the question of the last', () => {
    assert.deepEqual(watching(standing(LEASE_MS + 9)), []);
    assert.deepEqual(watching(standing(LEASE_MS + 10)), [{ node: 'b', beats: 7 }]);
  });

  it('has a whole lease again after each beat', () => {
    const looks = standing(8_000);
    looks.push([10_000, [{ node: 'b', beats: 8 }]], [13_000, [{ node: 'b', beats: 8 }]]);
    assert.deepEqual(watching(looks), []);
  });

  it('is not known from before when it comes back after it was not there', () => {
    const looks = standing(8_000);
    looks.push([9_000, []], [10_500, [{ node: 'b', beats: 7 }]]);
    assert.deepEqual(watching(looks), []);
  });
});

describe('a node that could not look for a while', () => {
  it('gives everybody a whole lease, however long they have stood still', () => {
    const looks: [number, NodeBeats[]][] = [...standing(4_000), [60_000, [{ node: 'b', beats: 7 }]]];
    assert.deepEqual(watching(looks), []);
    looks.push([64_000, [{ node: 'b', beats: 7 }]], [68_000, [{ node: 'b', beats: 7 }]]);
    assert.deepEqual(watching(looks), []);
    looks.push([70_010, [{ node: 'b', beats: 7 }]]);
    assert.deepEqual(watching(looks), [{ node: 'b', beats: 7 }]);
  });

  it('counts from the answers: up to half a lease between two is no gap', () => {
    const looks: [number, NodeBeats[]][] = [
      [0, [{ node: 'b', beats: 7 }]],
      [5_000, [{ node: 'b', beats: 7 }]],
      [10_000, [{ node: 'b', beats: 7 }]],
    ];
    assert.deepEqual(watching([...looks, [10_010, [{ node: 'b', beats: 7 }]]]), [{ node: 'b', beats: 7 }]);
    looks[2] = [10_001, [{ node: 'b', beats: 7 }]];
    assert.deepEqual(watching([...looks, [10_010, [{ node: 'b', beats: 7 }]]]), []);
  });
});
