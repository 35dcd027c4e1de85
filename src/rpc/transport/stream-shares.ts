import { networkOf } from '../../domain/access/network.ts';

/** The streams of HTTP/2 that are open on all connections of a port, whose number is bounded. */
export interface StreamShares {
  /**
   * Counts a stream that comes from an address. Returns what is to be called when it has ended; undefined when there is
   * no room for it.
   */
  open(address: string | undefined): (() => void) | undefined;
}

/**
 * An address may have as many streams as it leaves free. So one alone takes half of them at most, and however many
 * somebody opens from a few addresses, there is room for those of everyone else.
 */
export function createStreamShares(max: number): StreamShares {
  const byNetwork = new Map<string, number>();
  let all = 0;
  return {
    open(address = '') {
      const network = networkOf(address);
      const own = byNetwork.get(network) ?? 0;
      if (own >= max - all) return undefined;
      byNetwork.set(network, own + 1);
      all++;
      return () => {
        all--;
        const left = byNetwork.get(network)! - 1;
        if (left === 0) byNetwork.delete(network);
        else byNetwork.set(network, left);
      };
    },
  };
}
