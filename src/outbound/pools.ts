import type { buildConnector, Pool as UndiciPool } from 'undici';
import { type Line, LineClient } from './line.ts';
import { Pool } from './undici.ts';

/** A pool of connections for each origin that has requests or connections. */
export interface Pools {
  /** Holds the origin's pool for one request. Undefined when too many wait for a connection there. */
  hold(origin: string): HeldPool | undefined;
  /** Origins that have a pool. */
  readonly size: number;
  /** Fails what is in flight and drops all connections. */
  destroy(): Promise<void>;
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
  readonly connectorOf: (line: Line) => buildConnector.connector;
  readonly pool: Omit<UndiciPool.Options, 'connect' | 'factory'>;
}

/**
 * Undici's own `Agent` keeps the pool of an origin for ever if its last request was aborted, as it is for
 * every destination that hangs: it looks for pending requests before the aborted one is off the queue, and
 * never again. Here a pool is dropped when it holds no request and no connection.
 */
export function createPools({ heldMax, connectorOf, pool: options }: PoolsOptions): Pools {
  const entries = new Map<string, HeldPool & { held: number }>();

  function open(origin: string): HeldPool & { held: number } {
    const pool = new Pool(origin, {
      ...options,
      // Never used. If none were given, undici would make a connector for each pool.
      connect: refuse,
      factory(url, clientOptions) {
        const line: Line = { opening: undefined, fresh: false, incoming: undefined };
        return new LineClient(url, { ...clientOptions, connect: connectorOf(line) }, line);
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
        if (entry.held > 0 || connected > 0 || entries.get(origin) !== entry) return;
        entries.delete(origin);
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
    entries.set(origin, entry);
    return entry;
  }

  return {
    hold(origin) {
      const entry = entries.get(origin) ?? open(origin);
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
