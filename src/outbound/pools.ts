import type { buildConnector, Pool as UndiciPool } from 'undici';
import type { DestinationTls } from '../domain/webhook/destination-tls.ts';
import { type Line, LineClient } from './line.ts';
import { Pool } from './undici.ts';

/**
 * A pool of connections for each origin that has requests or connections. The inbox of this server has one of its
 * own: a connection that was allowed for its paths must serve no others. So has each webhook that speaks TLS in a way
 * of its own, and the one that it had before is closed as soon as it has another.
 */
export interface Pools {
  /** Holds the pool of a target for one request. Undefined when too many wait for a connection there. */
  hold(target: PoolOf): HeldPool | undefined;
  /** Origins that have a pool. */
  readonly size: number;
  /** Fails what is in flight and drops all connections. */
  destroy(): Promise<void>;
}

export interface PoolOf {
  readonly origin: string;
  /** The pool's name: the origin, whether it is for the inbox, and how TLS is spoken. */
  readonly key: string;
  readonly isInbox: boolean;
  readonly tls?: DestinationTls;
}

export interface HeldPool {
  readonly pool: Pool;
  /** Gives the pool back, once undici is done with the request. */
  readonly release: () => void;
}

export interface PoolsOptions {
  /** The most requests to one origin that undici may hold. */
  readonly heldMax: number;
  /** Returns the function that opens the connections of a line. */
  readonly connectorOf: (line: Line, target: PoolOf) => buildConnector.connector;
  readonly pool: Omit<UndiciPool.Options, 'connect' | 'factory'>;
}

/**
 * Undici's own `Agent` keeps the pool of an origin for ever if its last request was aborted, as it is for
 * every destination that hangs: it looks for pending requests before the aborted one is off the queue, and
 * never again. Here a pool is dropped when it holds no request and no connection.
 */
export function createPools({ heldMax, connectorOf, pool: options }: PoolsOptions): Pools {
  const entries = new Map<string, Entry>();
  /** By the webhook that alone it is for. */
  const owned = new Map<string, Entry>();
  const retired = new Set<Entry>();

  function open(target: PoolOf): Entry {
    const { origin, key, tls } = target;
    const pool = new Pool(origin, {
      ...options,
      // Never used. If none were given, undici would make a connector for each pool.
      connect: refuse,
      factory(url, clientOptions) {
        const line: Line = { opening: undefined, fresh: false, incoming: undefined };
        return new LineClient(url, { ...clientOptions, connect: connectorOf(line, target) }, line);
      },
    });
    let connected = 0;
    const entry: Entry = {
      key,
      pool,
      held: 0,
      release() {
        entry.held--;
        dropIfUnused();
      },
    };

    function dropIfUnused(): void {
      if (entry.held > 0 || connected > 0) return;
      // Undici emits these events in the middle of its own work, which it must finish first.
      queueMicrotask(() => {
        if (entry.held > 0 || connected > 0) return;
        if (retired.delete(entry)) return void pool.destroy();
        if (entries.get(key) !== entry) return;
        entries.delete(key);
        if (tls !== undefined && owned.get(tls.owner) === entry) owned.delete(tls.owner);
        void pool.destroy();
      });
    }

    pool.on('connect', () => {
      connected++;
    });
    pool.on('disconnect', () => {
      connected--;
      dropIfUnused();
    });
    entries.set(key, entry);
    if (tls !== undefined) {
      const before = owned.get(tls.owner);
      owned.set(tls.owner, entry);
      if (before !== undefined) retire(before);
    }
    return entry;
  }

  /** Takes no more requests, and closes what is not in use. */
  function retire(entry: Entry): void {
    entries.delete(entry.key);
    retired.add(entry);
    void entry.pool.close();
  }

  return {
    hold(target) {
      const entry = entries.get(target.key) ?? open(target);
      if (entry.held >= heldMax) return undefined;
      entry.held++;
      return entry;
    },
    get size() {
      return entries.size + retired.size;
    },
    async destroy() {
      await Promise.all(Array.from([...entries.values(), ...retired], ({ pool }) => pool.destroy()));
    },
  };
}

/** `key` is its name among the others. */
interface Entry extends HeldPool {
  readonly key: string;
  held: number;
}

const refuse: buildConnector.connector = (_options, callback) => {
  callback(new Error('a pool does not connect: its lines do'), null);
};
