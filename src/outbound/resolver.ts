import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { isIP } from 'node:net';
import { type AddressPolicy, judgeAddress } from '../domain/webhook/address.ts';
import { lookupFailure, SendFailure } from './failure.ts';

/** All addresses of a name, in the order in which they are to be tried. */
export type Lookup = (hostname: string, done: LookupDone) => void;
type LookupDone = (error: Error | null, addresses: readonly LookupAddress[]) => void;

/** Turns a host into addresses that may be connected to. It never calls back before it returns. */
export interface Resolver {
  resolve(hostname: string, done: Resolved): void;
}
export type Resolved = (failure: SendFailure | null, addresses: readonly LookupAddress[]) => void;

/**
 * Names being looked up at once. Node does it on threads that it has few of, so beyond this an attempt
 * fails (DNS) and is retried rather than waiting out its time in a queue.
 */
const LOOKUPS_MAX = 1_000;

/**
 * A resolver that hands out nothing that it did not judge: an address written out as such, which no
 * `lookup` hook of Node would see, and every answer to a name. One forbidden answer refuses them all,
 * since whoever controls a name's answers controls their order too.
 */
export function createResolver(options: { policy: AddressPolicy; lookup?: Lookup }): Resolver {
  const { policy, lookup = lookupAll } = options;
  const underWay = new Map<string, Resolved[]>();

  /** One lookup serves all who ask for the name while it runs: a slow resolver holds one thread a name. */
  function lookUp(hostname: string, done: Resolved): void {
    const waiting = underWay.get(hostname);
    if (waiting !== undefined) return void waiting.push(done);
    if (underWay.size >= LOOKUPS_MAX) {
      queueMicrotask(() => done(new SendFailure('DNS', 'too many names are being looked up'), []));
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
