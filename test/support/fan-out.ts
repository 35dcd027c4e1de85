/** A publisher on a store of its own, and events and webhooks for it. */
import type { EventDraft } from '../../src/domain/event/rules.ts';
import { type Random, systemRandom } from '../../src/domain/random.ts';
import { withDefaults } from '../../src/domain/webhook/defaults.ts';
import type { Payload } from '../../src/domain/webhook/payload.ts';
import type { Webhook, WebhookSpec } from '../../src/domain/webhook/webhook.ts';
import { createPublisher, type Publisher } from '../../src/publish/publisher.ts';
import { createDirectory, type Directory } from '../../src/store/directory.ts';
import type { StoreOptions } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { type ManualClock, manualClock } from './clock.ts';
import { type LogLine, recordingLog } from './log.ts';
import { aWebhook, openMemoryStore, T0 } from './store.ts';

export interface Publishing extends AsyncDisposable {
  readonly store: Store;
  readonly directory: Directory;
  readonly clock: ManualClock;
  readonly random: Random;
  readonly publisher: Publisher;
  readonly lines: LogLine[];
  /** How often the store was asked each verb. */
  readonly calls: Readonly<Record<string, number>>;
  /** Registers a webhook for event types, without a schedule. */
  listen(spec?: Partial<WebhookSpec>, overrides?: Partial<Omit<Webhook, 'spec'>>): Promise<Webhook>;
}

/** With `through`, what the publisher asks the store goes there first. */
export async function openPublishing(
  options: StoreOptions = {},
  through: (store: Store) => Store = (store) => store,
): Promise<Publishing> {
  const opened = await openMemoryStore(options);
  const calls: Record<string, number> = {};
  const store = counting(through(opened), calls);
  const directory = createDirectory({ store });
  const clock = manualClock(T0);
  const random = systemRandom();
  const { log, lines } = recordingLog();
  const settings = { idempotencyWindowMs: 60_000 };
  return {
    store,
    directory,
    clock,
    random,
    publisher: createPublisher({ store, directory, clock, random, log, settings }),
    lines,
    calls,
    async listen(spec = {}, overrides = {}) {
      const webhook = listener(spec, overrides);
      await store.createWebhooks([webhook]);
      return webhook;
    },
    [Symbol.asyncDispose]: () => opened.close(),
  };
}

/** A webhook that events of any type ring, unless told otherwise, and no schedule. */
export function listener(
  spec: Partial<WebhookSpec> = {},
  overrides: Partial<Omit<Webhook, 'spec'>> = {},
): Webhook {
  const webhook = aWebhook({
    ...overrides,
    cursor: { anchorAt: T0, nominalAt: null, dueAt: null, fired: 0, skipped: 0 },
    spec: { eventTypes: ['*'], ...spec },
  });
  const { schedule: _, ...rest } = webhook.spec;
  return { ...webhook, spec: rest, effective: withDefaults(rest, { defaultEveryMs: 5_000 }) };
}

/** A payload that says nothing but this. */
export function aPayload(overrides: Partial<Payload> = {}): Payload {
  return { contentType: 'text/plain', eventFormat: 'ENVELOPE', headerTemplates: {}, ...overrides };
}

/** An event with JSON data. */
export function aDraft(overrides: Partial<EventDraft> & { readonly json?: unknown } = {}): EventDraft {
  const { json = { id: 7 }, ...rest } = overrides;
  return {
    namespace: 'default',
    type: 'order.paid',
    data: { kind: 'json', body: new TextEncoder().encode(JSON.stringify(json)) },
    headers: {},
    ...rest,
  };
}

function counting(store: Store, calls: Record<string, number>): Store {
  return new Proxy(store, {
    get(target, verb: keyof Store) {
      calls[verb] = (calls[verb] ?? 0) + 1;
      return target[verb];
    },
  });
}
