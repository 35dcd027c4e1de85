import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whoever has an address of IPv6 has 2^64 of them: those that share their first half count as one. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const plain = ipaddr.process(address.split('%', 1)[0]!);
  return plain instanceof ipaddr.IPv6 ? plain.parts.slice(0, 4).join(':') : plain.toString();
}
