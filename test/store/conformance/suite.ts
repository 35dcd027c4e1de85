import { after } from 'node:test';
import type { Store } from '../../../src/store/store.ts';
import { apart } from './apart.ts';
import { asking } from './asking.ts';
import { auditing } from './auditing.ts';
import { bounds } from './bounds.ts';
import { calls } from './calls.ts';
import { changes } from './changes.ts';
import { clock } from './clock.ts';
import { cluster } from './cluster.ts';
import { events } from './events.ts';
import { feed } from './feed.ts';
import { filtering } from './filtering.ts';
import type { Harness } from './harness.ts';
import { keys } from './keys.ts';
import { lanes } from './lanes.ts';
import { listing } from './listing.ts';
import { log } from './log.ts';
import { makingUp } from './making-up.ts';
import { matching } from './matching.ts';
import { moving } from './moving.ts';
import { namespaceKeys } from './namespace-keys.ts';
import { naming } from './naming.ts';
import { orders } from './orders.ts';
import { publishing } from './publishing.ts';
import { purging } from './purging.ts';
import { registrations } from './registrations.ts';
import { remembering } from './remembering.ts';
import { removing } from './removing.ts';
import { renewing } from './renewing.ts';
import { replaying } from './replaying.ts';
import { restarting } from './restarting.ts';
import { firing, overlaps, upcoming } from './runs.ts';
import { sealing } from './sealing.ts';
import { settling } from './settling.ts';
import { standingBy } from './standing-by.ts';
import { sweeping } from './sweeping.ts';
import { tenants } from './tenants.ts';
import { traffic } from './traffic.ts';
import { turns } from './turns.ts';
import { updates } from './updates.ts';

/** What the port promises, told of one kind of store. */
export function conformance(harness: Harness): void {
  const watched = closingAll(harness);
  for (const part of [
    registrations,
    naming,
    namespaceKeys,
    listing,
    updates,
    removing,
    publishing,
    remembering,
    asking,
    sealing,
    keys,
    auditing,
    bounds,
    matching,
    replaying,
    upcoming,
    makingUp,
    renewing,
    firing,
    overlaps,
    traffic,
    turns,
    lanes,
    settling,
    apart,
    log,
    filtering,
    changes,
    orders,
    events,
    purging,
    sweeping,
    clock,
    cluster,
    standingBy,
    moving,
    feed,
    calls,
    restarting,
    tenants,
  ]) {
    part(watched);
  }
}

/** Closes at the end what a failed test left open: an open store would keep the process alive. */
function closingAll(harness: Harness): Harness {
  const opened: Store[] = [];
  after(() => Promise.all(opened.map((store) => store.close())));
  const { reopen } = harness;
  const note = (store: Store): Store => {
    opened.push(store);
    return store;
  };
  return {
    ...harness,
    open: async (bounds) => note(await harness.open(bounds)),
    ...(reopen && { reopen: async (store, bounds) => note(await reopen(store, bounds)) }),
  };
}
