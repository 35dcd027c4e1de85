import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SHARDS } from '../../../src/domain/cluster/shard.ts';
import { type Holdings, movesOf } from '../../../src/domain/cluster/shares.ts';
import { ALL_SHARDS } from '../../support/shards.ts';

const FREE: (string | undefined)[] = new Array(SHARDS).fill(undefined);
const NONE: ReadonlySet<number> = new Set();

function moves(holdings: Partial<Holdings>) {
  return movesOf({ me: 'a', nodes: ['a'], owners: FREE, held: NONE, giving: NONE, ...holdings });
}

/** What a node holds as the store has it. */
function heldBy(node: string, owners: readonly (string | undefined)[]): Set<number> {
  return new Set(ALL_SHARDS.filter((shard) => owners[shard] === node));
}

describe('the shards of a node', () => {
  it('are all where it is alone', () => {
    assert.deepEqual(moves({}), { take: ALL_SHARDS, give: [] });
  });

  it('are none where it is not known', () => {
    assert.deepEqual(moves({ nodes: ['b'] }), { take: [], give: [] });
  });

  it('are given up beyond its share, and nothing is taken from others', () => {
    const owners = ALL_SHARDS.map(() => 'a');
    const { take, give } = moves({ nodes: ['b', 'a', 'c'], owners, held: new Set(ALL_SHARDS) });
    assert.deepEqual(take, []);
    assert.deepEqual(give, ALL_SHARDS.slice(22));
    assert.deepEqual(moves({ me: 'b', nodes: ['b', 'a', 'c'], owners }), { take: [], give: [] });
  });

  it('are taken again where the answer to what took them was lost', () => {
    const owners = ALL_SHARDS.map((shard) => (shard < 40 ? 'a' : 'b'));
    const held = new Set(ALL_SHARDS.slice(0, 30));
    assert.deepEqual(moves({ nodes: ['a', 'b'], owners, held }).take, ALL_SHARDS.slice(30, 40));
  });

  it('that it began to give up are given up to the end, whoever has them and whatever its share is by now', () => {
    const owners = ALL_SHARDS.map((shard) => (shard === 3 ? 'b' : undefined));
    const giving = new Set([3, 5]);
    assert.deepEqual(moves({ owners, held: giving, giving }), { take: [], give: [3, 5] });
  });

  it('are spread evenly in the end, whoever looks first', () => {
    const worlds = fc.record({
      count: fc.integer({ min: 1, max: 9 }),
      owners: fc.array(fc.integer({ min: -1, max: 11 }), { minLength: SHARDS, maxLength: SHARDS }),
      order: fc.infiniteStream(fc.nat()),
    });
    fc.assert(
      fc.property(worlds, ({ count, owners: begun, order }) => {
        const nodes = Array.from({ length: count }, (_, i) => `n${i}`);
        // Those of nodes that are dead are free.
        const owners = begun.map((i) => (i >= 0 && i < count ? `n${i}` : undefined));
        for (let rounds = 0; rounds < 200; rounds++) {
          const me = nodes[order.next().value % count]!;
          const { take, give } = movesOf({ me, nodes, owners, held: heldBy(me, owners), giving: NONE });
          for (const shard of take) {
            assert.equal(owners[shard], undefined);
            owners[shard] = me;
          }
          for (const shard of give) owners[shard] = undefined;
        }
        for (const me of [...nodes, ...nodes]) {
          const { take, give } = movesOf({ me, nodes, owners, held: heldBy(me, owners), giving: NONE });
          for (const shard of give) owners[shard] = undefined;
          for (const shard of take) owners[shard] = me;
        }
        const counts = nodes.map((node) => heldBy(node, owners).size);
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, String(counts));
        assert.equal(
          counts.reduce((sum, each) => sum + each),
          SHARDS,
        );
      }),
    );
  });
});
