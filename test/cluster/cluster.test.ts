import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCluster } from '../../src/cluster/cluster.ts';
import { SHARDS } from '../../src/domain/cluster/shard.ts';
import type { NodeBeats } from '../../src/domain/cluster/watch.ts';
import type { ClusterView } from '../../src/store/store.ts';
import { manualClock } from '../support/clock.ts';
import { recordingLog } from '../support/log.ts';
import { ALL_SHARDS } from '../support/shards.ts';
import { T0 } from '../support/store.ts';

/** A node whose store, lanes and clock do as they are told. */
function aNode(options: { readonly isSole?: boolean } = {}) {
  const clock = manualClock(T0);
  const { log, lines } = recordingLog();
  const held = new Set<number>();
  const owners: (string | undefined)[] = new Array(SHARDS).fill(undefined);
  const world = {
    did: [] as string[],
    others: [] as NodeBeats[],
    isDead: false,
    isAway: false,
    takes: async (shards: readonly number[]) => {
      for (const shard of shards) {
        held.add(shard);
        owners[shard] = 'a';
      }
    },
  };
  let beats = 0;
  const cluster = createCluster({
    store: {
      async join() {
        world.did.push('join');
        return 'a';
      },
      async beat(node): Promise<ClusterView | 'DEAD'> {
        if (world.isAway) throw new Error('away');
        if (world.isDead) return 'DEAD';
        return {
          nodes: [{ node, beats: ++beats }, ...world.others],
          owners,
          isSole: options.isSole ?? false,
        };
      },
      async bury(nodes) {
        world.did.push(`bury ${nodes.map(({ node }) => node)}`);
      },
      async leave(node) {
        world.did.push(`leave ${node}`);
      },
    },
    lanes: {
      begin: (node) => world.did.push(`begin ${node}`),
      end: () => world.did.push('end'),
      shards: held,
      giving: new Set(),
      async take(shards) {
        world.did.push(`take ${shards.length}`);
        await world.takes(shards);
      },
      async give(shards) {
        world.did.push(`give ${shards.length}`);
        for (const shard of shards) {
          held.delete(shard);
          owners[shard] = undefined;
        }
      },
    },
    breakOff: () => world.did.push('break off'),
    onMoved: () => world.did.push('moved'),
    clock,
    log,
  });
  /** Beats, and lets what follows from it be done. */
  async function beat(): Promise<void> {
    await cluster.tick();
    await Promise.resolve().then(() => {});
    await new Promise(setImmediate);
  }
  return { ...world, world, cluster, clock, lines, beat, held };
}

describe('a node', () => {
  it('joins, and takes all shards where it is alone', async () => {
    const { did, cluster, beat } = aNode();
    assert.equal(cluster.maySend(), false);
    await beat();
    assert.deepEqual(did, ['join', 'begin a', `take ${SHARDS}`, 'moved']);
    assert.equal(cluster.maySend(), true);
    await beat();
    assert.equal(did.length, 4);
  });

  it('gives up half when another comes', async () => {
    const { did, world, beat, held } = aNode();
    await beat();
    world.others = [{ node: 'b', beats: 0 }];
    await beat();
    assert.deepEqual(did.slice(4), ['give 32', 'moved']);
    assert.deepEqual([...held], ALL_SHARDS.slice(0, 32));
  });

  it('beats on while shards are being taken, and moves no others meanwhile', async () => {
    const { did, world, beat, cluster, clock } = aNode();
    const gate = Promise.withResolvers<void>();
    world.takes = () => gate.promise;
    await beat();
    clock.advance(5_000);
    await beat();
    clock.advance(5_000);
    await beat();
    assert.equal(cluster.maySend(), true);
    assert.deepEqual(did, ['join', 'begin a', `take ${SHARDS}`]);
    gate.resolve();
  });

  it('tries again what could not be taken', async () => {
    const { did, world, beat, lines } = aNode();
    const { takes } = world;
    world.takes = () => Promise.reject(new Error('away'));
    await beat();
    assert.match(lines[0]?.message ?? '', /shards could not be taken/);
    world.takes = takes;
    await beat();
    assert.deepEqual(
      did.filter((what) => what.startsWith('take')),
      [`take ${SHARDS}`, `take ${SHARDS}`],
    );
  });

  it('buries another that stands still for a lease', async () => {
    const { did, world, beat, clock } = aNode();
    world.others = [{ node: 'b', beats: 3 }];
    for (let beats = 0; beats < 5; beats++) {
      await beat();
      clock.advance(2_000);
    }
    assert.ok(!did.includes('bury b'));
    await beat();
    assert.ok(did.includes('bury b'), String(did));
  });

  it('may send until 60 % of a lease are over without a beat, and breaks off once at 90 %', async () => {
    const { did, world, beat, clock, cluster } = aNode();
    await beat();
    world.isAway = true;
    did.length = 0;
    clock.advance(5_999);
    assert.equal(cluster.maySend(), true);
    clock.advance(1);
    assert.equal(cluster.maySend(), false);
    await assert.rejects(cluster.tick(), /away/);
    await cluster.guard.tick();
    assert.equal(cluster.guard.idleMs(), 1_000);
    clock.advance(2_900);
    assert.equal(cluster.guard.idleMs(), 100);
    clock.advance(100);
    await cluster.guard.tick();
    await cluster.guard.tick();
    assert.deepEqual(did, ['break off']);
    world.isAway = false;
    await beat();
    assert.equal(cluster.maySend(), true);
    clock.advance(9_000);
    await cluster.guard.tick();
    assert.deepEqual(did, ['break off', 'break off']);
  });

  it('counts from when a beat was sent, and not from its answer', async () => {
    const { clock, cluster, beat } = aNode();
    await beat();
    const sent = cluster.tick();
    clock.advance(4_000);
    await sent;
    clock.advance(2_000);
    assert.equal(cluster.maySend(), false);
  });

  it('may send for ever where no other can have its store', async () => {
    const { did, beat, clock, cluster } = aNode({ isSole: true });
    await beat();
    clock.advance(3_600_000);
    clock.jump(3_600_000);
    await cluster.guard.tick();
    assert.equal(cluster.maySend(), true);
    assert.ok(!did.includes('break off'));
  });

  it('that was buried ends all that it had, and joins anew', async () => {
    const { did, world, beat, cluster } = aNode();
    await beat();
    did.length = 0;
    world.isDead = true;
    await beat();
    assert.deepEqual(did, ['end', 'break off', 'moved']);
    assert.equal(cluster.maySend(), false);
    assert.equal(cluster.idleMs(), 0);
    world.isDead = false;
    await beat();
    assert.deepEqual(did.slice(3, 5), ['join', 'begin a']);
  });

  it('takes nothing once it is about to go, and leaves once', async () => {
    const { did, beat, cluster } = aNode();
    cluster.retire();
    await beat();
    assert.deepEqual(did, []);
    const other = aNode();
    await other.beat();
    other.held.clear();
    other.cluster.retire();
    await other.beat();
    await other.cluster.leave();
    await other.cluster.leave();
    await other.beat();
    assert.deepEqual(other.did, ['join', 'begin a', `take ${SHARDS}`, 'moved', 'leave a']);
    assert.equal(other.cluster.maySend(), false);
  });
});
