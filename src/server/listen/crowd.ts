import type { Socket } from 'node:net';
import { networkOf } from '../../domain/access/network.ts';

/** The connections of a port, of which there may be so many. */
export interface Crowd {
  /**
   * Lets a connection in. Where there is no room, one that does nothing is closed for it, of the address that has most:
   * so whoever opens thousands closes its own. Where those are busy, it is one of any address; and where all are, one of
   * an address that has more than half of all, unless the new one is of that too. Returns false when there is none; then
   * the new one should be closed.
   */
  enter(socket: Socket): boolean;
  sockets(): Iterable<Socket>;
}

/** Connections looked at for one that does nothing; those that were busy come last the next time. */
const LOOKED_AT_MAX = 100;

export interface CrowdOptions {
  /** Whether a request is in flight on a connection. */
  readonly isBusy: (socket: Socket) => boolean;
  readonly close: (socket: Socket) => void;
}

export function createCrowd(max: number, { isBusy, close }: CrowdOptions): Crowd {
  /** Each oldest first: all of them, and those of one address. */
  const sockets = new Set<Socket>();
  const byNetwork = new Map<string, Set<Socket>>();
  const networks = new WeakMap<Socket, string>();

  function leave(socket: Socket): void {
    if (!sockets.delete(socket)) return;
    const network = networks.get(socket)!;
    const others = byNetwork.get(network);
    others?.delete(socket);
    if (others?.size === 0) byNetwork.delete(network);
  }

  function makeRoom(network: string): boolean {
    let most = new Set<Socket>();
    for (const each of byNetwork.values()) if (each.size > most.size) most = each;
    const left = firstIdle(most) ?? firstIdle(sockets) ?? firstOver(most, network);
    if (left === undefined) return false;
    leave(left);
    close(left);
    return true;
  }

  /** One of an address that has more than half of all, for somebody else. */
  function firstOver(most: Set<Socket>, network: string): Socket | undefined {
    return most.size > max / 2 && most !== byNetwork.get(network) ? most.values().next().value : undefined;
  }

  /** Those that are found busy come last from then on. */
  function firstIdle(among: Set<Socket>): Socket | undefined {
    let looks = Math.min(among.size, LOOKED_AT_MAX);
    for (const socket of among) {
      if (looks-- === 0) return undefined;
      if (!isBusy(socket)) return socket;
      among.delete(socket);
      among.add(socket);
    }
    return undefined;
  }

  return {
    enter(socket) {
      const network = networkOf(socket.remoteAddress ?? '');
      if (sockets.size >= max && !makeRoom(network)) return false;
      byNetwork.set(network, (byNetwork.get(network) ?? new Set()).add(socket));
      networks.set(socket, network);
      sockets.add(socket);
      socket.once('close', () => leave(socket));
      return true;
    },
    sockets: () => sockets.values(),
  };
}
