/**
 * A model of the tables of the PostgreSQL store, and of how its transactions see each other: each has a number, what is
 * under way is not seen, and a crash gives the numbers again that were given out in vain. A verb is done at one moment,
 * but for publishing, whose transaction can stay open for long.
 */
import { SHARDS, shardOf } from '../../src/domain/cluster/shard.ts';
import type { NodeBeats } from '../../src/domain/cluster/watch.ts';
import type { WaitingDelivery } from '../../src/domain/delivery/delivery.ts';
import type { EventBody } from '../../src/domain/event/event.ts';
import type { RunCursor } from '../../src/domain/schedule/schedule.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import type { HeldDelivery, RunFiring, Settlement } from '../../src/store/store.ts';

export interface Row {
  delivery: WaitingDelivery;
  readonly shard: number;
  /** Of the transaction that inserted it. */
  readonly xid: bigint;
  readonly body: EventBody;
  isVisible: boolean;
  /** Undefined while it waits. */
  ended: string | undefined;
  /** When its publisher began, and when that was told that it is kept, in true time. */
  readonly begunAt: number;
  toldAt: number | undefined;
  /** By number, who recorded the attempt. */
  readonly attempts: Map<number, string>;
}

export interface DatabaseDeps {
  /** True time; the clock of the database is `T0` ahead. */
  readonly now: () => number;
  readonly T0: number;
  /** Something that must never happen. */
  readonly violated: (what: string) => void;
}

export type Database = ReturnType<typeof createDatabase>;

export function createDatabase({ now, T0, violated }: DatabaseDeps) {
  const webhooks = new Map<string, Webhook>();
  const cursors = new Map<string, RunCursor>();
  const rows = new Map<number, Row>();
  /** Those of them that wait. */
  const live = new Map<number, Row>();
  const eventIds = new Set<string>();
  const bodies = new Map<string, EventBody>();
  const nodes = new Map<string, { beats: number; isDead: boolean }>();
  const owners: (string | undefined)[] = new Array(SHARDS).fill(undefined);
  const held = new Map<number, { readonly node: string; readonly shard: number; readonly until: number }>();
  let nextXid = 1_000n;
  let highest = 999n;
  const open = new Map<bigint, Row[]>();
  let joined = 0;
  let lastOrd = 0;

  function begin(): bigint {
    const xid = nextXid++;
    open.set(xid, []);
    return xid;
  }

  function insert(
    xid: bigint,
    webhookId: string,
    made: { id: string; body: EventBody; dueAt: number; firstDueAt: number },
  ): Row {
    const { id, body, dueAt, firstDueAt } = made;
    const delivery: WaitingDelivery = {
      ...{
        ord: ++lastOrd,
        id,
        webhookId,
        eventId: body.id,
        dueAt,
        firstDueAt,
        attempts: 0,
        attemptsBefore: 0,
      },
      format: 'BODY',
      rendered: false,
    };
    const row: Row = {
      ...{ delivery, shard: shardOf(webhookId), xid, body, isVisible: false, ended: undefined },
      ...{ begunAt: now(), toldAt: undefined, attempts: new Map() },
    };
    rows.set(delivery.ord, row);
    live.set(delivery.ord, row);
    bodies.set(body.id, body);
    open.get(xid)?.push(row);
    return row;
  }

  function commit(xid: bigint): void {
    for (const row of open.get(xid) ?? []) row.isVisible = true;
    open.delete(xid);
    if (xid > highest) highest = xid;
  }

  function abort(xid: bigint): void {
    for (const { delivery } of open.get(xid) ?? []) {
      rows.delete(delivery.ord);
      live.delete(delivery.ord);
    }
    open.delete(xid);
  }

  /** Does something in a transaction that is over at once. */
  function atOnce<T>(work: (xid: bigint) => T): T & { readonly xid: bigint } {
    const xid = begin();
    const done = work(xid);
    commit(xid);
    return { ...done, xid };
  }

  const lives = (node: string | undefined): boolean =>
    node !== undefined && nodes.get(node)?.isDead === false;
  const isOver = ({ node, until }: { node: string; until: number }): boolean =>
    !lives(node) || until <= now();

  function waitingOf(webhookId: string): WaitingDelivery[] {
    const found: WaitingDelivery[] = [];
    for (const { delivery, isVisible } of live.values()) {
      if (isVisible && delivery.webhookId === webhookId) found.push(delivery);
    }
    return found;
  }

  function settleOne({ delivery: sent, attempt, transition }: Settlement, by: string): 'SETTLED' | 'GONE' {
    const row = rows.get(sent.ord);
    if (row === undefined || row.ended !== undefined || row.delivery.attempts !== sent.attempts)
      return 'GONE';
    if (!lives(by)) violated(`${by} was buried, and settled ${sent.id}`);
    const lent = held.get(sent.ord);
    if (lent !== undefined && lent.node !== by && !isOver(lent)) {
      violated(`${by} settled ${sent.id}, which ${lent.node} has under way`);
    }
    held.delete(sent.ord);
    if (attempt !== undefined) {
      if (row.attempts.has(attempt.number))
        violated(`attempt ${attempt.number} of ${sent.id} is there twice`);
      row.attempts.set(attempt.number, by);
    }
    if (transition.to !== 'PENDING') {
      row.ended = transition.to;
      live.delete(sent.ord);
      return 'SETTLED';
    }
    const { attempts, attemptsBefore } = row.delivery;
    const free = transition.free ? 1 : 0;
    row.delivery = {
      ...row.delivery,
      dueAt: transition.dueAt,
      attempts: attempts + (attempt === undefined ? 0 : 1),
      attemptsBefore: attemptsBefore + free,
    };
    return 'SETTLED';
  }

  return {
    webhooks,
    cursors,
    rows,
    live,
    bodies,
    owners,
    held,
    lives,
    isOver,
    /** Whether these rows are of a transaction that is under way still: its number can have been given again. */
    isOpen: (xid: bigint, made: readonly Row[]) => open.get(xid)?.[0] === made[0],
    begin,
    insert,
    commit,
    abort,
    waitingOf,
    /** Everything that was not committed is gone, and its numbers are given again. */
    crash() {
      for (const xid of [...open.keys()]) abort(xid);
      nextXid = highest + 1n;
    },
    join: () =>
      atOnce(() => {
        const node = `n${++joined}`;
        nodes.set(node, { beats: 0, isDead: false });
        return { node };
      }),
    beat: (node: string) =>
      atOnce(() => {
        const mine = nodes.get(node);
        if (mine === undefined || mine.isDead) return { view: 'DEAD' as const };
        mine.beats++;
        const all = [...nodes].flatMap(([name, { beats, isDead }]) =>
          isDead ? [] : [{ node: name, beats }],
        );
        const living = owners.map((owner) => (lives(owner) ? owner : undefined));
        return { view: { nodes: all, owners: living, isSole: false } };
      }),
    bury: (dead: readonly NodeBeats[], onBuried: (node: string) => void) =>
      atOnce(() => {
        for (const { node, beats } of dead) {
          const found = nodes.get(node);
          if (found === undefined || found.isDead || found.beats !== beats) continue;
          found.isDead = true;
          onBuried(node);
        }
        return {};
      }),
    acquire: (node: string, shards: readonly number[]) =>
      atOnce(() => {
        if (!lives(node)) return { taken: [], held: [] };
        const taken = shards.filter((shard) => owners[shard] === node || !lives(owners[shard]));
        for (const shard of taken) owners[shard] = node;
        const others = [...held].filter(([, lent]) => taken.includes(lent.shard) && !isOver(lent));
        return { taken, held: others.map(([ord]) => rows.get(ord)!.delivery) };
      }),
    giveUp: (node: string, shards: readonly number[], under: readonly HeldDelivery[]) =>
      atOnce(() => {
        if (!lives(node)) return {};
        const mine = shards.filter((shard) => owners[shard] === node);
        for (const shard of mine) owners[shard] = undefined;
        for (const { delivery, leftMs } of under) {
          const row = rows.get(delivery.ord);
          if (row === undefined || row.ended !== undefined || row.delivery.attempts !== delivery.attempts)
            continue;
          if (mine.includes(row.shard))
            held.set(delivery.ord, { node, shard: row.shard, until: now() + leftMs });
        }
        return {};
      }),
    leave: (node: string) =>
      atOnce(() => {
        const found = nodes.get(node);
        if (found !== undefined) found.isDead = true;
        return {};
      }),
    /** Rows of these shards that transactions wrote which are not older than `from`, or were open then. */
    poll(shards: ReadonlySet<number>, since: { from: bigint; open: readonly bigint[] } | undefined) {
      const found: Row[] = [];
      if (since !== undefined) {
        for (const row of live.values()) {
          if (!row.isVisible || !shards.has(row.shard)) continue;
          if (row.xid >= since.from || since.open.includes(row.xid)) found.push(row);
        }
      }
      return { rows: found, snapshot: { xmax: nextXid, xip: [...open.keys()] } };
    },
    settle: (batch: readonly Settlement[], node: string) =>
      atOnce(() => {
        if (!lives(node)) return { results: batch.map(() => 'DEAD' as const) };
        return { results: batch.map((settlement) => settleOne(settlement, node)) };
      }),
    fire: (batch: readonly RunFiring[]) =>
      atOnce((xid) => ({
        results: batch.map(({ webhookId, from, to, runs }) => {
          if (cursors.get(webhookId)?.nominalAt !== from) return 'STALE' as const;
          cursors.set(webhookId, to);
          for (const { event, delivery } of runs) {
            if (eventIds.has(event.id)) violated(`a run of ${webhookId} fired twice`);
            eventIds.add(event.id);
            const at = T0 + now();
            const row = insert(xid, webhookId, { id: delivery.id, body: event, dueAt: at, firstDueAt: at });
            row.toldAt = now();
          }
          return 'FIRED' as const;
        }),
      })),
  };
}
