import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../domain/clock.ts';
import { DomainError, madeOrError } from '../domain/error.ts';
import { openEvent } from '../domain/event/data.ts';
import { type Made, makeDelivery } from '../domain/template/template.ts';
import type { Store } from '../store/store.ts';
import type { HeldEvent } from './bodies.ts';
import type { Flights } from './flights.ts';
import type { Flight } from './lane.ts';
import { amend } from './lane-queue.ts';

/** A delivery that has its turn and is to be rendered. */
export interface LateFlight {
  readonly flight: Flight;
  readonly held: HeldEvent;
}

export interface LateRenderingDeps {
  readonly store: Pick<Store, 'keepMade'>;
  readonly flights: Pick<Flights, 'send' | 'fail'>;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Renders what could not be rendered when its event came in, by the webhook as it is now: its templates may have
 * been mended. What fails again is FAILED. What is made is kept before it is sent, so that a retry repeats the
 * same bytes. Raises UNAVAILABLE and EXHAUSTED, with nothing done.
 */
export async function renderLate(late: readonly LateFlight[], deps: LateRenderingDeps): Promise<void> {
  const { store, flights, clock } = deps;
  const outcomes: (Made | DomainError)[] = [];
  for (const { flight, held } of late) {
    // Each can take as long as a turn of others.
    if (outcomes.length > 0) await setImmediate();
    const { event } = held;
    outcomes.push(madeOrError(() => makeDelivery(flight.target.webhook, openEvent(event), event.createdAt)));
  }
  const made = late.flatMap(({ flight }, i) => {
    const outcome = outcomes[i]!;
    return outcome instanceof DomainError ? [] : [{ delivery: flight.delivery, ...outcome }];
  });
  if (made.length > 0) await store.keepMade(made);
  for (const [i, { flight, held }] of late.entries()) {
    const outcome = outcomes[i]!;
    if (outcome instanceof DomainError) {
      flights.fail(flight, held.event, outcome.message);
      continue;
    }
    const { lane } = flight;
    const { format, rendered } = outcome;
    const { toRender: _, ...latest } = lane.queue.known.get(flight.delivery.ord) ?? flight.delivery;
    const delivery = { ...latest, format, rendered: rendered !== undefined };
    amend(lane.queue, delivery, clock.now());
    flights.send({ ...flight, delivery }, held, rendered);
  }
}
