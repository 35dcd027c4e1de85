import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { boundedCache } from '../bounded-cache.ts';
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
      const source = sourceOf(address);
      const taken = takeOne(rate, paid.get(source) ?? 0, now);
      if ('waitMs' in taken) return taken.waitMs;
      paid.set(source, taken.paidAt);
      return undefined;
    },
  };
}

/** Whoever has an address of IPv6 has 2^64 of them: those that share their first half count as one. */
function sourceOf(address: string): string {
  if (!isIPv6(address)) return address;
  const plain = ipaddr.process(address.split('%', 1)[0]!);
  return plain instanceof ipaddr.IPv6 ? plain.parts.slice(0, 4).join(':') : plain.toString();
}
