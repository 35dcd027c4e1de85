/** The destinations, and what is in flight to them. Every request is judged when it is sent. */

import type { Outcome } from '../../src/domain/delivery/attempt.ts';
import { precedes } from '../../src/domain/delivery/order.ts';
import type { OutgoingRequest } from '../../src/outbound/request.ts';
import type { Chance } from './chance.ts';
import type { Database, Row } from './database.ts';
import type { Machine, World } from './world.ts';

interface Post {
  readonly machine: Machine;
  readonly node: string;
  readonly row: Row;
  readonly end: (outcome: Outcome) => void;
}

export interface Receivers {
  /** What sends from a machine, which is this node. */
  senderOf(
    machine: Machine,
    node: () => string | undefined,
  ): {
    send(request: OutgoingRequest): Promise<Outcome>;
    breakOff(): void;
  };
  /** A machine is gone, and its connections with it. */
  lose(machine: Machine): void;
  /** The requests of a node. */
  of(node: string): readonly Post[];
  readonly sent: number;
  /** From now on everything is answered at once. */
  calm(): void;
}

export interface ReceiversDeps {
  readonly world: World;
  readonly database: Database;
  readonly chance: Chance;
  readonly violated: (what: string) => void;
}

export function createReceivers({ world, database, chance, violated }: ReceiversDeps): Receivers {
  const posts = new Set<Post>();
  const byId = new Map<string, Row>();
  let isCalm = false;
  let sent = 0;

  function rowOf(id: string): Row | undefined {
    const known = byId.get(id);
    if (known !== undefined) return known;
    for (const row of database.live.values()) byId.set(row.delivery.id, row);
    return byId.get(id);
  }

  /** Whether whoever sent it can still do something about it. */
  function isWatched({ machine, node }: Post): boolean {
    return database.lives(node) && !machine.isStopped && !machine.isDead;
  }

  function judge(row: Row, node: string): void {
    const { delivery, shard } = row;
    const { id, webhookId } = delivery;
    const { limits } = database.webhooks.get(webhookId)!.effective;
    if (!database.lives(node)) violated(`${node} was buried, and sends ${id}`);
    else if (database.owners[shard] !== node)
      violated(`${node} sends ${id} of a shard that ${database.owners[shard]} has`);
    if (row.ended !== undefined) violated(`${node} sends ${id}, which is ${row.ended}`);
    const lent = database.held.get(delivery.ord);
    if (lent !== undefined && lent.node !== node && !database.isOver(lent)) {
      violated(`${node} sends ${id}, which ${lent.node} has under way`);
    }
    const inLane = [...posts].filter((post) => post.row.delivery.webhookId === webhookId && isWatched(post));
    const bound = limits.ordered ? 1 : limits.concurrency;
    if (inLane.length >= bound)
      violated(`${inLane.length + 1} of ${webhookId} are in flight at once, with ${id}`);
    if (inLane.some((post) => post.row === row)) violated(`${id} is in flight twice`);
    if (!limits.ordered) return;
    for (const other of database.live.values()) {
      if (other === row || other.delivery.webhookId !== webhookId || !other.isVisible) continue;
      const cameBefore = other.toldAt !== undefined && other.toldAt < row.begunAt;
      if (cameBefore && precedes(other.delivery, delivery)) {
        violated(`${node} sends ${id} before ${other.delivery.id}, which came earlier`);
      }
    }
  }

  return {
    get sent() {
      return sent;
    },
    senderOf: (machine, nodeOf) => ({
      send: (request) =>
        new Promise((resolve) => {
          const at = request.headers.indexOf('webhook-id');
          const row = rowOf(request.headers[at + 1]!);
          const node = nodeOf() ?? 'nobody';
          if (row === undefined) throw new Error('there is no such delivery');
          judge(row, node);
          sent++;
          const startedAt = world.now();
          const tried = () => ({ startedAt, durationMs: world.now() - startedAt, timing: {} });
          const post: Post = {
            ...{ machine, node, row },
            end(outcome) {
              if (!posts.delete(post)) return;
              resolve(outcome);
            },
          };
          posts.add(post);
          const isHanging = !isCalm && chance.hits(0.03);
          const ms = isHanging
            ? request.timeoutMs
            : isCalm || !chance.hits(0.1)
              ? chance.between(1, 60)
              : chance.between(60, 7_000);
          const status = !isCalm && chance.hits(0.12) ? 500 : 200;
          world.after(Math.min(ms, request.timeoutMs), machine, () => {
            if (ms >= request.timeoutMs)
              post.end({ kind: 'failed', errorClass: 'TIMEOUT', message: 'late', ...tried() });
            else
              post.end({
                kind: 'answered',
                status,
                headers: {},
                body: new Uint8Array(),
                truncated: false,
                ...tried(),
              });
          });
        }),
      breakOff() {
        for (const post of [...posts]) {
          if (post.machine !== machine) continue;
          const tried = { startedAt: world.now(), durationMs: 0, timing: {} };
          post.end({ kind: 'failed', errorClass: 'LOCAL', message: 'broken off', ...tried });
        }
      },
    }),
    lose(machine) {
      for (const post of posts) if (post.machine === machine) posts.delete(post);
    },
    of: (node) => [...posts].filter((post) => post.node === node),
    calm() {
      isCalm = true;
    },
  };
}
