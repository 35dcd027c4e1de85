import type { buildConnector, Pool as UndiciPool } from 'undici';
import { type Line, LineClient } from './line.ts';
import { Pool } from './undici.ts';

/**
 * A pool of connections for each origin that has requests or connections. The inbox of this server has one of its
 * own: a connection that was allowed for its paths must serve no others.
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
  /** The pool's name: the origin, and whether it is for the inbox. */
  readonly key: string;
  readonly isInbox: boolean;
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
  readonly connectorOf: (line: Line, isInbox: boolean) => buildConnector.connector;
  readonly pool: Omit<UndiciPool.Options, 'connect' | 'factory'>;
}

/**
 * Undici's own `Agent` keeps the pool of an origin for ever if its last request was aborted, as it is for
 * every destination that hangs: it looks for pending requests before the aborted one is off the queue, and
 * never again. Here a pool is dropped when it holds no request and no connection.
 */
export function createPools({ heldMax, connectorOf, pool: options }: PoolsOptions): Pools {
  const entries = new Map<string, HeldPool & { held: number }>();

  function open({ origin, key, isInbox }: PoolOf): HeldPool & { held: number } {
    const pool = new Pool(origin, {
      ...options,
      // Never used. If none were given, undici would make a connector for each pool.
      connect: refuse,
      factory(url, clientOptions) {
        const line: Line = { opening: undefined, fresh: false, incoming: undefined };
        return new LineClient(url, { ...clientOptions, connect: connectorOf(line, isInbox) }, line);
      },
    });
    let connected = 0;
    const entry = {
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
        if (entry.held > 0 || connected > 0 || entries.get(key) !== entry) return;
        entries.delete(key);
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
    return entry;
  }

  return {
    hold(target) {
      const entry = entries.get(target.key) ?? open(target);
      if (entry.held >= heldMax) return undefined;
      entry.held++;
      return entry;
    },
    get size() {
      return entries.size;
    },
    async destroy() {
      await Promise.all(Array.from(entries.values(), ({ pool }) => pool.destroy()));
    },
  };
}

const refuse: buildConnector.connector = (_options, callback) => {
  callback(new Error('a pool does not connect: its lines do'), null);
};
