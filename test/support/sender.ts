import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { systemClock } from '../../src/domain/clock.ts';
import type { Outcome } from '../../src/domain/delivery/attempt.ts';
import { LOOPBACK, parseCidrs } from '../../src/domain/webhook/address.ts';
import type { OutgoingRequest } from '../../src/outbound/request.ts';
import type { Lookup } from '../../src/outbound/resolver.ts';
import { createSender, type Sender, type SenderOptions } from '../../src/outbound/sender.ts';

/** A sender that may call this machine and is closed at the end of the scope. */
export function aSender(options: Partial<SenderOptions> = {}): Sender & AsyncDisposable {
  const sender = createSender({
    clock: systemClock,
    policy: { allow: parseCidrs(LOOPBACK) },
    originConnectionsMax: 8,
    ...options,
  });
  return { ...sender, [Symbol.asyncDispose]: sender.close };
}

/** A small POST with a deadline that no healthy receiver misses. */
export function aRequest(destination: string, overrides: Partial<OutgoingRequest> = {}): OutgoingRequest {
  return {
    destination,
    headers: ['content-type', 'text/plain', 'x-test', '1'],
    body: new TextEncoder().encode('ding'),
    timeoutMs: 10_000,
    ...overrides,
  };
}

/** A resolver with fixed answers; a name with several sets of them answers with the next each time. */
export function aLookup(answers: Readonly<Record<string, readonly (readonly string[])[]>>): Lookup & {
  readonly asked: readonly string[];
} {
  const asked: string[] = [];
  const lookup: Lookup = (hostname, done) => {
    const sets = answers[hostname] ?? [];
    const set = sets[Math.min(asked.filter((name) => name === hostname).length, sets.length - 1)];
    asked.push(hostname);
    setImmediate(() => {
      if (set === undefined) done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
      else done(null, set.map(addressOf));
    });
  };
  return Object.assign(lookup, { asked });
}

/** Failure in a form that is easy to compare; `answered <status>` otherwise. */
export function told(outcome: Outcome): string {
  return outcome.kind === 'answered'
    ? `answered ${outcome.status}`
    : `${outcome.errorClass}: ${outcome.message}`;
}

function addressOf(address: string): LookupAddress {
  return { address, family: isIP(address) };
}
