import type { Socket } from 'node:net';
import { networkOf } from '../../domain/access/network.ts';

/** The connections of a port, of which there may be so many. */
export interface Crowd {
  /**
   * Lets a connection in. Where there is no room, one that does nothing is closed for it, of the address that has most:
   * so whoever opens thousands closes its own. Returns false when there is none; then the new one should be closed.
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
  /** With the addresses that they come from. */
  const sockets = new Map<Socket, string>();
  /** By these, each oldest first. */
  const byNetwork = new Map<string, Set<Socket>>();

  function leave(socket: Socket): void {
    const network = sockets.get(socket);
    if (network === undefined) return;
    sockets.delete(socket);
    const others = byNetwork.get(network);
    others?.delete(socket);
    if (others?.size === 0) byNetwork.delete(network);
  }

  function makeRoom(): boolean {
    let most = new Set<Socket>();
    for (const each of byNetwork.values()) if (each.size > most.size) most = each;
    let looks = Math.min(most.size, LOOKED_AT_MAX);
    for (const socket of most) {
      if (looks-- === 0) return false;
      if (!isBusy(socket)) {
        leave(socket);
        close(socket);
        return true;
      }
      most.delete(socket);
      most.add(socket);
    }
    return false;
  }

  return {
    enter(socket) {
      if (sockets.size >= max && !makeRoom()) return false;
      const network = networkOf(socket.remoteAddress ?? '');
      byNetwork.set(network, (byNetwork.get(network) ?? new Set()).add(socket));
      sockets.set(socket, network);
      socket.once('close', () => leave(socket));
      return true;
    },
    sockets: () => sockets.keys(),
  };
}
