import { bounds } from './bounds.ts';
import { calls } from './calls.ts';
import { changes } from './changes.ts';
import { events } from './events.ts';
import { feed } from './feed.ts';
import { filtering } from './filtering.ts';
import type { Harness } from './harness.ts';
import { lanes } from './lanes.ts';
import { listing } from './listing.ts';
import { log } from './log.ts';
import { matching } from './matching.ts';
import { naming } from './naming.ts';
import { orders } from './orders.ts';
import { publishing } from './publishing.ts';
import { purging } from './purging.ts';
import { registrations } from './registrations.ts';
import { remembering } from './remembering.ts';
import { removing } from './removing.ts';
import { replaying } from './replaying.ts';
import { firing, overlaps, upcoming } from './runs.ts';
import { settling } from './settling.ts';
import { sweeping } from './sweeping.ts';
import { updates } from './updates.ts';

/** What the port promises, told of one kind of store. */
export function conformance(harness: Harness): void {
  for (const part of [
    registrations,
    naming,
    listing,
    updates,
    removing,
    publishing,
    remembering,
    bounds,
    matching,
    replaying,
    upcoming,
    firing,
    overlaps,
    lanes,
    settling,
    log,
    filtering,
    changes,
    orders,
    events,
    purging,
    sweeping,
    feed,
    calls,
  ]) {
    part(harness);
  }
}
