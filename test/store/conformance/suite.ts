import { bounds } from './bounds.ts';
import { calls } from './calls.ts';
import { feed } from './feed.ts';
import type { Harness } from './harness.ts';
import { lanes } from './lanes.ts';
import { listing } from './listing.ts';
import { log } from './log.ts';
import { matching } from './matching.ts';
import { publishing } from './publishing.ts';
import { registrations } from './registrations.ts';
import { remembering } from './remembering.ts';
import { removing } from './removing.ts';
import { firing, overlaps, upcoming } from './runs.ts';
import { settling } from './settling.ts';
import { sweeping } from './sweeping.ts';
import { updates } from './updates.ts';

/** What the port promises, told of one kind of store. */
export function conformance(harness: Harness): void {
  for (const part of [
    registrations,
    listing,
    updates,
    removing,
    publishing,
    remembering,
    bounds,
    matching,
    upcoming,
    firing,
    overlaps,
    lanes,
    settling,
    log,
    sweeping,
    feed,
    calls,
  ]) {
    part(harness);
  }
}
