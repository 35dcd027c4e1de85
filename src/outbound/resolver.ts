import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { isIP } from 'node:net';
import {
  type AddressPolicy,
  type AddressVerdict,
  judgeAddress,
  judgeName,
} from '../domain/webhook/address.ts';
import type { Called } from '../domain/webhook/destination-rule.ts';
import { lookupFailure, SendFailure } from './failure.ts';

/** Finds all addresses of a name, in the order in which they are to be tried. */
export type Lookup = (hostname: string, done: LookupDone) => void;
type LookupDone = (error: Error | null, addresses: readonly LookupAddress[]) => void;

/** Turns a host into addresses that may be connected to. It calls back only after it has returned. */
export interface Resolver {
  resolve(wanted: Wanted, done: Resolved): void;
}
/** A host, and how it is called. */
export interface Wanted extends Pick<Called, 'port' | 'isInbox'> {
  readonly hostname: string;
}
export type Resolved = (failure: SendFailure | null, addresses: readonly LookupAddress[]) => void;

/**
 * The most names looked up at once. Node looks names up on its few threads, so with more than this an
 * attempt fails at once (LOCAL) and is retried, rather than spend its time in a queue.
 */
const LOOKUPS_MAX = 1_000;

/**
 * A resolver that judges everything it hands out: every answer to a name, and addresses that are written
 * out as such, which Node would pass to no `lookup` hook. One forbidden answer refuses them all, since
 * whoever controls a name's answers controls their order too.
 */
export function createResolver(options: { policy: AddressPolicy; lookup?: Lookup }): Resolver {
  const { policy, lookup = lookupAll } = options;
  const underWay = new Map<string, Found[]>();

  /** All who ask for a name while it is being looked up share that lookup, so a slow name takes one thread. */
  function lookUp(hostname: string, done: Found): void {
    const waiting = underWay.get(hostname);
    if (waiting !== undefined) return void waiting.push(done);
    if (underWay.size >= LOOKUPS_MAX) {
      queueMicrotask(() => done(new SendFailure('LOCAL', 'too many names are being looked up'), []));
      return;
    }
    const all = [done];
    underWay.set(hostname, all);
    lookup(hostname, (error, addresses) => {
      underWay.delete(hostname);
      const failure = error === null ? null : lookupFailure(error, hostname);
      for (const each of all) each(failure, addresses);
    });
  }

  function judge({ hostname, ...called }: Wanted, addresses: readonly LookupAddress[]): SendFailure | null {
    if (addresses.length === 0) return new SendFailure('DNS', `there is no address for ${hostname}`);
    for (const { address } of addresses) {
      const isLiteral = hostname === address;
      const verdict = judgeAddress(address, policy, isLiteral ? called : { ...called, name: hostname });
      if (verdict !== 'allow') return forbidden(isLiteral ? address : `${hostname} (${address})`, verdict);
    }
    return null;
  }

  return {
    resolve(wanted, done) {
      const { hostname } = wanted;
      const family = isIP(hostname);
      const verdict = family === 0 ? judgeName(hostname, policy, wanted) : 'allow';
      if (verdict !== 'allow') return queueMicrotask(() => done(forbidden(hostname, verdict), []));
      const judged: Found = (failure, addresses) => {
        const fault = failure ?? judge(wanted, addresses);
        done(fault, fault === null ? addresses : []);
      };
      if (family === 0) return lookUp(hostname, judged);
      queueMicrotask(() => judged(null, [{ address: hostname, family }]));
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** What a name was found to have, before anything of it is judged. */
type Found = Resolved;

function forbidden(called: string, { deny }: Exclude<AddressVerdict, 'allow'>): SendFailure {
  return new SendFailure('FORBIDDEN_ADDRESS', `${called} may not be called: ${deny}`);
}

/** The system's resolver, with its order (RFC 6724) kept. */
const lookupAll: Lookup = (hostname, done) => {
  systemLookup(hostname, { all: true, order: 'verbatim' }, done);
};
