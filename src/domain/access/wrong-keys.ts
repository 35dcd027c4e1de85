import { boundedCache } from '../bounded-cache.ts';
import { networkOf } from './network.ts';
import { type Rate, takeOne } from './rate.ts';

/** How many calls without a good key an address may make: these at once, and then one a second. */
const WRONG_KEYS: Rate = { perSecond: 1, burst: 20 };
/** Addresses that are remembered; beyond, those that were quiet for longest are forgotten. */
const ADDRESSES_MAX = 20_000;

/** Counts calls without a good key by the address that they come from. Good keys are never asked about. */
export interface WrongKeys {
  /** Counts one more. Returns how long that address should wait; undefined while it is within its bound. */
  count(address: string, now: number): number | undefined;
}

export function createWrongKeys(rate: Rate = WRONG_KEYS): WrongKeys {
  const paid = boundedCache<string, number>(ADDRESSES_MAX);
  return {
    count(address, now) {
      const network = networkOf(address);
      const taken = takeOne(rate, paid.get(network) ?? 0, now);
      if ('waitMs' in taken) return taken.waitMs;
      paid.set(network, taken.paidAt);
      return undefined;
    },
  };
}
