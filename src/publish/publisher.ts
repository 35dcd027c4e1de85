import { isShut } from '../domain/access/standing.ts';
import { type Claim, claimedId } from '../domain/claim.ts';
import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/error.ts';
import { openEvent } from '../domain/event/data.ts';
import { type Event, publicId } from '../domain/event/event.ts';
import { contentTypeOf, digestOf, dueTimeOf, type EventDraft } from '../domain/event/rules.ts';
import { createIds } from '../domain/id.ts';
import type { Random } from '../domain/random.ts';
import type { Directory } from '../store/directory.ts';
import type { Publication, PublishResult, Store } from '../store/store.ts';
import type { Admission } from './admission.ts';
import { type Audience, createAudiences } from './audience.ts';
import { type FannedOut, fanOut } from './fan-out.ts';
import type { PublishLog } from './new-delivery.ts';
import { createTurns } from './turns.ts';

/** An event to publish, which has been judged (`eventViolations`). */
export type NewEvent = EventDraft;

/** What became of an event. */
export type Published =
  | {
      readonly kind: 'PUBLISHED';
      /** As readers see it. */
      readonly id: string;
      readonly deliveries: number;
      /** It had been published before, with this content, and nothing was done now. */
      readonly duplicate: boolean;
    }
  /** Its caller's id names an event with other content. */
  | { readonly kind: 'CONFLICT' }
  /** Too many deliveries are waiting, of all namespaces together. */
  | { readonly kind: 'FULL' }
  /**
   * It could not be published: EXHAUSTED, UNAVAILABLE, or what its namespace says (`Admission`). Others of its batch may
   * have been.
   */
  | { readonly kind: 'FAILED'; readonly error: DomainError };

/** Takes events in, and makes a delivery of each for every webhook that asks for it. */
export interface Publisher {
  /**
   * Publishes events, each on its own, and says in order what became of them, once that is on disk. Raises
   * what the store raises, EXHAUSTED or UNAVAILABLE, if nothing was published by then. The same batch with
   * the same claim again publishes what is left.
   */
  publish(batch: readonly NewEvent[], claim?: Claim): Promise<Published[]>;
}

export interface PublisherDeps {
  /** Judges what callers publish. What Carillon itself has to say passes a publisher without one. */
  readonly admission?: Admission;
  readonly store: Pick<Store, 'publish' | 'matchWebhooks' | 'webhookEpoch'>;
  readonly directory: Pick<Directory, 'load'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: PublishLog;
  readonly settings: {
    /** How long a caller's id for an event is remembered at least. */
    readonly idempotencyWindowMs: number;
  };
}

/**
 * Deliveries, and bytes, that go to the store in one call, which is handed to its thread in one go; an event by itself
 * may have more.
 */
const CALL_DELIVERIES_MAX = 4_000;
const CALL_BYTES_MAX = 16 * 1024 * 1024;

export function createPublisher(deps: PublisherDeps): Publisher {
  const { store, clock, random, settings } = deps;
  const audiences = createAudiences(deps);
  const eventId = createIds('event', random);
  const fanOutDeps = { ...deps, deliveryId: createIds('delivery', random) };

  function audiencesOf(batch: readonly NewEvent[]): readonly Audience[] | Promise<readonly Audience[]> {
    const known = batch.map((draft) => audiences.known(draft));
    return known.every((audience) => audience !== undefined) ? known : audiences.find(batch);
  }

  function eventOf(draft: NewEvent, id: string, now: number): Event {
    const { callerId, source, subject, data, extensions } = draft;
    return {
      id,
      ...(callerId !== undefined && { callerId }),
      namespace: draft.namespace,
      type: draft.type,
      ...(source && { source }),
      ...(subject && { subject }),
      time: draft.time ?? now,
      contentType: contentTypeOf(draft),
      body: data.body,
      headers: lowerCased(draft.headers),
      ...(extensions !== undefined && { extensions }),
      createdAt: now,
    };
  }

  function publicationOf(draft: NewEvent, event: Event, { deliveries, failed }: FannedOut): Publication {
    const until = event.createdAt + settings.idempotencyWindowMs;
    return {
      event,
      deliveries,
      dueAt: dueTimeOf(draft, event.createdAt),
      run: false,
      ...(draft.callerId !== undefined && { remember: { digest: digestOf(draft), until } }),
      ...(failed.length > 0 && { filterFailures: failed }),
    };
  }

  return {
    async publish(batch, claim) {
      const now = claim?.at ?? clock.now();
      const turns = createTurns(clock);
      const refused = (await deps.admission?.judge(batch)) ?? [];
      const all = await audiencesOf(batch);
      const calls = createCalls(store, batch.length);
      for (const [place, draft] of batch.entries()) {
        if (place > 0 && turns.isOver()) await turns.next();
        const why = refused[place];
        if (why !== undefined) {
          calls.fail(place, why);
          continue;
        }
        const id = claim ? claimedId('event', claim, String(place)) : eventId(now);
        const event = eventOf(draft, id, now);
        const { namespace } = draft;
        const input = { opened: openEvent(event), namespace, audience: all[place]!, now, turns };
        const fanned = await fanOut(input, fanOutDeps).catch(refusal);
        if (fanned instanceof DomainError) calls.fail(place, fanned);
        else await calls.add(place, publicationOf(draft, event, fanned), event.body.length + fanned.bytes);
      }
      return calls.end();
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** Publications on their way to the store, in few calls of bounded size. */
interface Calls {
  add(place: number, publication: Publication, bytes: number): Promise<void>;
  fail(place: number, error: DomainError): void;
  /** What became of each, by its place. */
  end(): Promise<Published[]>;
}

function createCalls(store: Pick<Store, 'publish'>, count: number): Calls {
  const outcomes = new Array<Published>(count);
  let sent = 0;
  let call: Publication[] = [];
  let places: number[] = [];
  let deliveries = 0;
  let bytes = 0;

  async function send(): Promise<void> {
    const publications = call;
    const results = await store.publish(publications).catch((error: unknown) => {
      // What was sent before is published, and its publisher must hear of it.
      if (sent === 0 || !(error instanceof DomainError)) throw error;
      return error;
    });
    for (const [i, place] of places.entries()) {
      outcomes[place] =
        results instanceof DomainError
          ? { kind: 'FAILED', error: results }
          : outcomeOf(publications[i]!.event, results[i]!);
    }
    sent += publications.length;
    call = [];
    places = [];
    deliveries = 0;
    bytes = 0;
  }

  return {
    async add(place, publication, added) {
      const count = publication.deliveries.length;
      const full = deliveries + count > CALL_DELIVERIES_MAX || bytes + added > CALL_BYTES_MAX;
      if (full && call.length > 0) await send();
      call.push(publication);
      places.push(place);
      deliveries += count;
      bytes += added;
    },
    fail(place, error) {
      outcomes[place] = { kind: 'FAILED', error };
    },
    async end() {
      if (call.length > 0) await send();
      return outcomes;
    },
  };
}

function outcomeOf(event: Event, result: PublishResult): Published {
  switch (result.kind) {
    case 'PUBLISHED':
      return { kind: 'PUBLISHED', id: publicId(event), deliveries: result.deliveries, duplicate: false };
    case 'DUPLICATE':
      // Its caller's id is what it is found by, so that is its id for readers, then as now.
      return { kind: 'PUBLISHED', id: publicId(event), deliveries: result.deliveries, duplicate: true };
    case 'CONFLICT':
    case 'FULL':
      return result;
    case 'SHUT':
      // It was not when the event was judged.
      return { kind: 'FAILED', error: isShut(event.namespace, result.state) };
    default:
      return result satisfies never;
  }
}

function refusal(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  throw error;
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const _ in headers) {
    // Not by assignment, which would lose a header named __proto__.
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  }
  return NO_HEADERS;
}
