import ipaddr from 'ipaddr.js';
import { type Address, embeddedIpv4, parseAddress } from './cidr.ts';

/**
 * Where this server itself listens. A webhook that calls it could do what its owner may not: a call from this
 * machine is one of those that are trusted most.
 */
export interface OwnListeners {
  /** Empty until it listens. */
  readonly listeners: readonly OwnListener[];
  /** Whether this machine has the address, so that what listens on all of them answers there. */
  readonly isLocal: (ip: string) => boolean;
}

export interface OwnListener {
  /** An address; `0.0.0.0` and `::` are all that the machine has. */
  readonly host: string;
  readonly port: number;
  /** Whether the inbox is there, which is for webhooks to call. */
  readonly hasInbox: boolean;
}

/** A path that the inbox answers, as it is sent. */
export function isInboxPath(path: string): boolean {
  return /^\/inbox(?:[/?]|$)/.test(path);
}

/** The listener that would answer at this address and port; undefined if none of ours would. */
export function ownListener(address: Address, port: number, own: OwnListeners): OwnListener | undefined {
  return own.listeners.find(
    (listener) => listener.port === port && answers(listener.host, embeddedIpv4(address) ?? address, own),
  );
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function answers(host: string, address: Address, own: OwnListeners): boolean {
  const listens = parseAddress(host);
  if (listens === undefined) return false;
  const isEverywhere = listens.range() === 'unspecified';
  // A connection to no address in particular goes to this machine itself.
  if (address.range() === 'unspecified') return isEverywhere || listens.range() === 'loopback';
  if (!isEverywhere) return (embeddedIpv4(listens) ?? listens).toString() === address.toString();
  // One on 0.0.0.0 has no IPv6, and one on :: has both.
  if (listens instanceof ipaddr.IPv4 && address instanceof ipaddr.IPv6) return false;
  return address.range() === 'loopback' || own.isLocal(address.toString());
}
