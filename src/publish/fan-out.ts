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
  /** Webhooks that do not get the event because their filter failed on it, or their templates did. */
  readonly failed: readonly string[];
}

/** The most that templates may make of one event, all webhooks together. */
const RENDERED_BYTES_MAX = 64 * 1024 * 1024;
/** Webhooks loaded at a time. */
const LOAD_BATCH = 500;
/** Deliveries made between looks at the clock. */
const TURN_CHECK = 256;

/**
 * Makes the deliveries of an event. A webhook whose filter or templates fail on it is left out, counted and
 * logged; the others get it all the same. Raises EXHAUSTED beyond `RENDERED_BYTES_MAX`.
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
  const templates = createTally();
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
    try {
      const delivery = deliveryTo(webhook, opened, { id: deps.deliveryId(now), now });
      bytes += renderedBytes(delivery);
      deliveries.push(delivery);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      templates.add(webhook.id, error.message);
    }
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
  report(input, deps.log, filters, templates);
  return { deliveries, bytes, failed: [...filters.ids, ...templates.ids] };
}

function report({ opened, namespace }: FanOutInput, log: PublishLog, filters: Tally, templates: Tally): void {
  const event = { namespace, eventId: publicId(opened.event), eventType: opened.event.type };
  if (filters.ids.length > 0) {
    log.warn({ ...event, ...fieldsOf(filters) }, 'event kept from webhooks whose filter failed on it');
  }
  if (templates.ids.length > 0) {
    log.error({ ...event, ...fieldsOf(templates) }, 'event kept from webhooks whose templates failed on it');
  }
}

function fieldsOf({ ids, reason }: Tally): object {
  return { webhooks: ids.length, webhookId: ids[0], reason };
}

function tooMuch(): DomainError {
  return new DomainError(
    'RENDERED_TOO_LARGE',
    `the templates of the webhooks that ask for it make more than ${RENDERED_BYTES_MAX} bytes of this event`,
    { metadata: { maxBytes: RENDERED_BYTES_MAX } },
  );
}
