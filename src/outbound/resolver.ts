import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { isIP } from 'node:net';
import { type AddressPolicy, judgeAddress } from '../domain/webhook/address.ts';
import { lookupFailure, SendFailure } from './failure.ts';

/** Finds all addresses of a name, in the order in which they are to be tried. */
export type Lookup = (hostname: string, done: LookupDone) => void;
type LookupDone = (error: Error | null, addresses: readonly LookupAddress[]) => void;

/** Turns a host into addresses that may be connected to. It calls back only after it has returned. */
export interface Resolver {
  resolve(hostname: string, done: Resolved): void;
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
  const underWay = new Map<string, Resolved[]>();

  /** All who ask for a name while it is being looked up share that lookup, so a slow name takes one thread. */
  function lookUp(hostname: string, done: Resolved): void {
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
      const failure = error !== null ? lookupFailure(error, hostname) : judge(hostname, addresses);
      for (const each of all) each(failure, failure === null ? addresses : []);
    });
  }

  function judge(hostname: string, addresses: readonly LookupAddress[]): SendFailure | null {
    if (addresses.length === 0) return new SendFailure('DNS', `there is no address for ${hostname}`);
    for (const { address } of addresses) {
      const verdict = judgeAddress(address, policy);
      if (verdict === 'allow') continue;
      const called = hostname === address ? address : `${hostname} (${address})`;
      return new SendFailure('FORBIDDEN_ADDRESS', `${called} may not be called: ${verdict.deny}`);
    }
    return null;
  }

  return {
    resolve(hostname, done) {
      const family = isIP(hostname);
      if (family === 0) return lookUp(hostname, done);
      const addresses = [{ address: hostname, family }];
      const failure = judge(hostname, addresses);
      queueMicrotask(() => done(failure, failure === null ? addresses : []));
    },
  };
}

/** The system's resolver, with its order (RFC 6724) kept. */
const lookupAll: Lookup = (hostname, done) => {
  systemLookup(hostname, { all: true, order: 'verbatim' }, done);
};
