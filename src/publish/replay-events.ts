import { type EventRecord, RUN_EVENT_TYPE } from '../domain/event/event.ts';
import type { TypePattern } from '../domain/event/match.ts';
import { timeOfId } from '../domain/id.ts';
import type { Store } from '../store/store.ts';

/** Events that were published at this time or later, and before that one. Runs are not published. */
export interface ReplayRange {
  readonly since: number;
  readonly until?: number;
  readonly type?: TypePattern;
}

/** Events to send again, oldest first. */
export interface Selection {
  readonly events: readonly EventRecord[];
  /** Those published from then on are not among them. */
  readonly nextSince?: number;
}

/** Events taken out of a range at a time. */
export const REPLAY_EVENTS_MAX = 10_000;
/** Events looked at for that: runs lie among those that were published. */
const SCANNED_MAX = 100_000;
const PAGE = 1_000;

/**
 * The first `REPLAY_EVENTS_MAX` events of a range whose data is there. What is cut off begins with a new
 * millisecond, so that going on from its time neither misses one nor takes one twice; a millisecond with
 * more events than that is taken whole.
 */
export async function eventsInRange(
  store: Pick<Store, 'listEvents'>,
  namespace: string,
  { since, until, type }: ReplayRange & { until: number },
): Promise<Selection> {
  const events: EventRecord[] = [];
  const query = {
    namespace,
    since,
    until,
    ascending: true,
    limit: PAGE,
    ...(type !== undefined && { type }),
  };
  let after: string | undefined;
  let scanned = 0;
  for (;;) {
    const page = await store.listEvents({ ...query, ...(after !== undefined && { after }) });
    for (const event of page) {
      const full = events.length >= REPLAY_EVENTS_MAX || scanned >= SCANNED_MAX;
      // The ids of what was published hold its time; a run's hold its nominal time, which may be any.
      const nextSince = timeOfId(event.id);
      if (full && nextSince > (events[0]?.createdAt ?? since)) {
        return { events: events.filter(({ createdAt }) => createdAt < nextSince), nextSince };
      }
      scanned++;
      if (event.type !== RUN_EVENT_TYPE && !event.purged) events.push(event);
    }
    if (page.length < PAGE) return { events };
    after = page.at(-1)!.id;
  }
}

/** The events with these ids, as readers see them, whose data is there. */
export async function eventsByIds(
  store: Pick<Store, 'getEvents'>,
  namespace: string,
  ids: readonly string[],
): Promise<Selection> {
  const keys = [...new Set(ids)].map((id) => ({ namespace, id }));
  const events: EventRecord[] = [];
  for (let i = 0; i < keys.length; i += KEYS_A_READ) {
    for (const event of await store.getEvents(keys.slice(i, i + KEYS_A_READ))) {
      // Their bodies are read again when they are needed: a thousand at once would be a gigabyte.
      if (event !== undefined && !event.purged) events.push({ ...event, body: NO_BYTES });
    }
  }
  events.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { events };
}

const KEYS_A_READ = 50;
const NO_BYTES = new Uint8Array();
