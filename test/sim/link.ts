/** The store as a node sees it: over a network that delays, reorders and loses, to a database that can be away. */

import type { DispatcherDeps } from '../../src/dispatch/dispatcher.ts';
import { type Cursor, cursorAfter } from '../../src/domain/cluster/cursor.ts';
import { precedes } from '../../src/domain/delivery/order.ts';
import { DomainError } from '../../src/domain/error.ts';
import type { SchedulerDeps } from '../../src/schedule/scheduler.ts';
import type { Cluster } from '../../src/store/cluster.ts';
import type { DirectoryOptions } from '../../src/store/directory.ts';
import type { Chance } from './chance.ts';
import type { Database } from './database.ts';
import type { Machine, World } from './world.ts';

/** How the network and the database are now. */
export interface Weather {
  /** The database is away: nothing is done. */
  isDown: boolean;
  /** When it went away last, and the time before. */
  wentAt: [last: number, before: number];
  /** Machines that cannot reach it. */
  readonly cutOff: Set<Machine>;
  /** Of a hundred messages, how many take long, and how many answers are lost. */
  slowness: number;
}

export interface LinkDeps {
  readonly world: World;
  readonly database: Database;
  readonly machine: Machine;
  readonly weather: Weather;
  readonly chance: Chance;
  /** The most rows that the store returns of a lane at a time, so that lanes are loaded in parts. */
  readonly topUpMax: number;
  /** These are to be buried, and may still come back before it is done. */
  readonly onBurying: (nodes: readonly string[]) => void;
  readonly onBuried: (node: string, by: string) => void;
  /** A message of it took so long. */
  readonly onSlow: (ms: number) => void;
}

export type LinkedStore = DispatcherDeps['store'] &
  SchedulerDeps['store'] &
  DirectoryOptions['store'] &
  Cluster;

const UNREACHABLE = 'the database cannot be reached';

export { UNREACHABLE };

export function createLink(deps: LinkDeps): LinkedStore {
  const { world, database, machine, weather, chance, topUpMax } = deps;
  /** The highest number of a transaction that this node has seen committed. */
  let seen = 0n;

  function leg(): number {
    if (!chance.hits(weather.slowness)) return chance.between(0.3, 2);
    const isVerySlow = chance.hits(Math.min(0.1, 0.002 / weather.slowness));
    const ms = isVerySlow ? chance.between(1_000, 14_000) : chance.between(20, 600);
    deps.onSlow(ms);
    return ms;
  }

  /** A call that fails is not carried out later. */
  function call<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new DomainError('DATABASE_UNAVAILABLE', UNREACHABLE));
      world.after(leg(), undefined, () => {
        if (weather.isDown || weather.cutOff.has(machine)) {
          world.after(chance.between(50, 1_000), machine, fail);
          return;
        }
        const answer = work();
        const isLost = chance.hits(Math.min(0.01, weather.slowness / 4));
        world.after(leg(), machine, () => {
          if (isLost || weather.cutOff.has(machine)) fail();
          else resolve(answer);
        });
      });
    });
  }

  /** One's own transaction was seen to be committed. */
  async function noting<T extends { readonly xid: bigint }>(answer: Promise<T>): Promise<T> {
    const done = await answer;
    if (done.xid > seen) seen = done.xid;
    return done;
  }

  return {
    join: async () => (await noting(call(database.join))).node,
    beat: async (node) => (await noting(call(() => database.beat(node)))).view,
    bury: async (dead) => {
      deps.onBurying(dead.map(({ node }) => node));
      await noting(call(() => database.bury(dead, (node) => deps.onBuried(node, machine.name))));
    },
    acquire: ({ node, shards }) => noting(call(() => database.acquire(node, shards))),
    giveUp: async ({ node, shards, held }) => {
      await noting(call(() => database.giveUp(node, shards, held)));
    },
    leave: async (node) => {
      await noting(call(() => database.leave(node)));
    },
    async pollWaiting(query) {
      const { shards = [], since, held = [] } = query ?? {};
      const { rows, snapshot, over } = await call(() => ({
        ...database.poll(new Set(shards), since?.mark as Cursor | undefined),
        over: held.filter((ord) => {
          const lent = database.held.get(ord);
          return lent === undefined || database.isOver(lent);
        }),
      }));
      for (const { xid } of rows) if (xid > seen) seen = xid;
      const deliveries = rows.map(({ delivery }) => delivery);
      return {
        deliveries,
        events: [],
        topUp: [],
        retried: [],
        mark: { mark: cursorAfter(snapshot, seen) },
        over,
      };
    },
    waitingLanes: () =>
      call(() => {
        const lanes = new Map<string, number>();
        for (const { delivery, isVisible } of database.live.values()) {
          const { webhookId, dueAt } = delivery;
          if (isVisible) lanes.set(webhookId, Math.min(dueAt, lanes.get(webhookId) ?? dueAt));
        }
        return [...lanes].map(([webhookId, dueAt]) => ({ webhookId, dueAt }));
      }),
    topUp: (lanes) =>
      call(() =>
        lanes.map(({ webhookId, limit, ordered }) => {
          const all = database.waitingOf(webhookId);
          if (ordered) all.sort((a, b) => (precedes(a, b) ? -1 : 1));
          else all.sort((a, b) => a.dueAt - b.dueAt || a.ord - b.ord);
          const most = Math.min(limit, topUpMax);
          return { webhookId, deliveries: all.slice(0, most), more: all[most]?.dueAt ?? null };
        }),
      ),
    getEventBodies: (ids) => call(() => ids.map((id) => database.bodies.get(id))),
    getRendered: async (ids) => ids.map(() => undefined),
    keepMade: async () => undefined,
    settle: async (batch, _lanes, node = '') =>
      (await noting(call(() => database.settle(batch, node)))).results,
    overflowing: async () => [],
    surplus: async () => [],
    moveBack: async () => undefined,
    getWebhooks: (ids) =>
      call(() =>
        ids.map((id) => {
          const webhook = database.webhooks.get(id);
          return webhook && { ...webhook, cursor: database.cursors.get(id) ?? webhook.cursor };
        }),
      ),
    pollWebhooks: async () => ({ changed: [], overflowed: false }),
    webhookEpoch: () => 0,
    upcomingRuns: ({ before, limit, after }) =>
      call(() =>
        [...database.cursors]
          .flatMap(([webhookId, { dueAt }]) => (dueAt === null ? [] : [{ webhookId, dueAt }]))
          .filter(({ dueAt }) => dueAt < before)
          .sort((a, b) => a.dueAt - b.dueAt || (a.webhookId < b.webhookId ? -1 : 1))
          .filter(
            ({ webhookId, dueAt }) =>
              after === undefined ||
              dueAt > after.dueAt ||
              (dueAt === after.dueAt && webhookId > after.webhookId),
          )
          .slice(0, limit),
      ),
    fireRuns: async (batch) => (await noting(call(() => database.fire(batch)))).results,
    cursorsToRenew: async () => ({ webhookIds: [] }),
    moveCursors: async (batch) => batch.map(() => 'STALE' as const),
  };
}
