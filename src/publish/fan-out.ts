import { DomainError } from '../domain/error.ts';
import type { OpenedEvent } from '../domain/event/data.ts';
import { publicId } from '../domain/event/event.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Directory } from '../store/directory.ts';
import type { NewDelivery } from '../store/store.ts';
import type { Audience } from './audience.ts';
import { deliveryTo, loadFilters, type PublishLog, renderedBytes } from './new-delivery.ts';
import { createTally, type Tally } from './tally.ts';
import type { Turns } from './turns.ts';

export interface FanOutDeps {
  readonly directory: Pick<Directory, 'load'>;
  readonly log: PublishLog;
  /** Makes the id of a delivery. */
  readonly deliveryId: (now: number) => string;
}

/** An event that is being published. */
export interface FanOutInput {
  readonly opened: OpenedEvent;
  readonly namespace: string;
  readonly audience: Audience;
  readonly now: number;
  readonly turns: Turns;
}

/** The deliveries of one event. */
export interface FannedOut {
  readonly deliveries: readonly NewDelivery[];
  /** What was rendered, together. */
  readonly bytes: number;
  /** Webhooks that do not get the event because their filter failed on it. */
  readonly failed: readonly string[];
}

/** The most that templates may make of one event, all webhooks together. */
const RENDERED_BYTES_MAX = 64 * 1024 * 1024;
/** Webhooks loaded at a time. */
const LOAD_BATCH = 500;
/** Deliveries made between looks at the clock. */
const TURN_CHECK = 256;

/**
 * Makes the deliveries of an event. A webhook whose filter fails on it is left out, counted and logged; one whose
 * templates fail on it gets a delivery that is to be rendered later. The others get it all the same. Raises EXHAUSTED
 * beyond `RENDERED_BYTES_MAX`.
 */
export async function fanOut(input: FanOutInput, deps: FanOutDeps): Promise<FannedOut> {
  const { audience, now, turns } = input;
  const deliveries: NewDelivery[] = [];
  for (const { webhookId, format } of audience.plain) {
    deliveries.push({ id: deps.deliveryId(now), webhookId, format });
    if (deliveries.length % TURN_CHECK === 0 && turns.isOver()) await turns.next();
  }
  if (audience.choosy.length === 0) return { deliveries, bytes: 0, failed: NONE };
  return chooseAmong(audience.choosy, deliveries, input, deps);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const NONE: readonly string[] = [];

/** Adds deliveries to those of these webhooks whose filters the event fulfils. */
async function chooseAmong(
  ids: readonly string[],
  deliveries: NewDelivery[],
  input: FanOutInput,
  deps: FanOutDeps,
): Promise<FannedOut> {
  const { opened, now, turns } = input;
  const filters = createTally();
  let matches: Awaited<ReturnType<typeof loadFilters>>['matches'] | undefined;
  let bytes = 0;

  function fulfils(webhook: Webhook): boolean {
    const { filter } = webhook.effective;
    if (filter === undefined) return true;
    const verdict = matches!(filter, opened);
    if (typeof verdict === 'boolean') return verdict;
    filters.add(webhook.id, verdict.failed);
    return false;
  }

  function deliver(webhook: Webhook): void {
    const delivery = deliveryTo(webhook, opened, { id: deps.deliveryId(now), now });
    bytes += renderedBytes(delivery);
    deliveries.push(delivery);
    if (bytes > RENDERED_BYTES_MAX) throw tooMuch();
  }

  for (let i = 0; i < ids.length; i += LOAD_BATCH) {
    for (const webhook of await deps.directory.load(ids.slice(i, i + LOAD_BATCH))) {
      if (webhook === undefined) continue;
      if (webhook.effective.filter !== undefined) matches ??= (await loadFilters()).matches;
      // A filter can take as long as a turn, and so can a template.
      if (turns.isOver()) await turns.next();
      if (!fulfils(webhook)) continue;
      if (turns.isOver()) await turns.next();
      deliver(webhook);
    }
  }
  report(input, deps.log, filters);
  return { deliveries, bytes, failed: filters.ids };
}

function report({ opened, namespace }: FanOutInput, log: PublishLog, { ids, reason }: Tally): void {
  if (ids.length === 0) return;
  const event = { namespace, eventId: publicId(opened.event), eventType: opened.event.type };
  log.warn(
    { ...event, webhooks: ids.length, webhookId: ids[0], reason },
    'event kept from webhooks whose filter failed on it',
  );
}

function tooMuch(): DomainError {
  return new DomainError(
    'RENDERED_TOO_LARGE',
    `the templates of the webhooks that ask for it make more than ${RENDERED_BYTES_MAX} bytes of this event`,
    { metadata: { maxBytes: RENDERED_BYTES_MAX } },
  );
}
