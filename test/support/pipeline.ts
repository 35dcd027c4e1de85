import assert from 'node:assert/strict';
import { type Control, createControl } from '../../src/control/control.ts';
import { createDispatcher, type Dispatcher, type DispatcherSettings } from '../../src/dispatch/dispatcher.ts';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import type { Delivery, DeliveryDetail } from '../../src/domain/delivery/delivery.ts';
import type { Event } from '../../src/domain/event/event.ts';
import { newId } from '../../src/domain/id.ts';
import { systemRandom } from '../../src/domain/random.ts';
import { parseCidrs } from '../../src/domain/webhook/address.ts';
import type { AskedLimits, AskedSpec } from '../../src/domain/webhook/asked.ts';
import { credentialsWith } from '../../src/domain/webhook/credentials.ts';
import type { OperationalEvent } from '../../src/domain/webhook/operational.ts';
import { keysWith } from '../../src/domain/webhook/signature.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { createSender, type Sender } from '../../src/outbound/sender.ts';
import { createLettingIn } from '../../src/outbound/token/letting-in.ts';
import { startLoop } from '../../src/server/loop.ts';
import { createDirectory, type Directory } from '../../src/store/directory.ts';
import { createNamespaceDirectory } from '../../src/store/namespace-directory.ts';
import type { StoreOptions } from '../../src/store/open.ts';
import { openSigningKeyring, type SigningKeyring } from '../../src/store/signing-keyring.ts';
import type { NewDelivery, Store } from '../../src/store/store.ts';
import { type LogLine, recordingLog } from './log.ts';
import { NO_ROTATION } from './seal-rotation.ts';
import { ALL_SHARDS } from './shards.ts';
import { openMemoryStore } from './store.ts';

/** From the store to the socket, without the API: what a test needs to see deliveries go out. */
export interface Pipeline extends AsyncDisposable {
  readonly store: Store;
  readonly signingKeyring: SigningKeyring;
  readonly control: Control;
  readonly dispatcher: Dispatcher;
  readonly directory: Directory;
  readonly secret: Uint8Array;
  readonly lines: LogLine[];
  /** What the dispatcher had to say, oldest first. */
  readonly news: OperationalEvent[];
  /** Registers a webhook that nothing rings but `publish`. */
  register(spec: Partial<AskedSpec> & { destination: string }): Promise<Webhook>;
  /** Publishes events with these bodies to a webhook, due now, and returns their delivery ids in order. */
  publish(webhook: Webhook, bodies: readonly string[], overrides?: PublishOverrides): Promise<string[]>;
  delivery(id: string): Promise<DeliveryDetail>;
  /** Resolves with the webhook's deliveries, oldest first, once none is PENDING. */
  finished(webhook: Webhook): Promise<Delivery[]>;
  /** Stops as a server does. */
  stop(graceMs?: number): Promise<void>;
}

export interface PublishOverrides {
  readonly event?: Partial<Event>;
  readonly delivery?: Partial<NewDelivery>;
  /** Now without one. */
  readonly dueAt?: number;
}

export interface PipelineOptions {
  readonly store?: Store;
  readonly storeOptions?: StoreOptions;
  readonly settings?: Partial<DispatcherSettings>;
  /** The machine's without one. */
  readonly clock?: Clock;
  /** One that sends for real without one. */
  readonly sender?: Pick<Sender, 'send'>;
}

const SEALING_KEY = new Uint8Array(32).fill(7);
/** Retries that a test can wait for. */
export const QUICK_RETRIES = { maxAttempts: 10, delaysMs: [20], jitter: 0, clientErrors: 'RETRY' } as const;
export const LIMITS: AskedLimits = { concurrency: 8, ordered: false };

export async function openPipeline(options: PipelineOptions = {}): Promise<Pipeline> {
  const clock = options.clock ?? systemClock;
  const random = systemRandom();
  const { log, lines } = recordingLog();
  const store = options.store ?? (await openMemoryStore(options.storeOptions));
  const directory = createDirectory({ store });
  const signingKeyring = await openSigningKeyring({ store, clock, random, sealKey: SEALING_KEY });
  const policy = { allow: parseCidrs(['127.0.0.0/8']) };
  const settings = {
    inFlightMax: 1_024,
    originInFlightMax: 256,
    disableAfterMs: 86_400_000,
    userAgent: 'Carillon/test',
    ...options.settings,
  };
  const sender = createSender({ clock, policy, originConnectionsMax: settings.originInFlightMax });
  const secret = random.bytes(32);
  const news: OperationalEvent[] = [];
  const control = createControl({
    store,
    namespaces: createNamespaceDirectory({ store }),
    clock,
    random,
    sealKey: SEALING_KEY,
    sealRotation: NO_ROTATION,
    signingKeyring,
    settings: {
      addressPolicy: policy,
      everyMinMs: 1_000,
      namespaceWaitingMax: 1_000_000,
      defaultEveryMs: 5_000,
    },
  });
  const dispatcher = createDispatcher({
    store,
    node: await store.join(),
    maySend: () => true,
    directory,
    sender: options.sender ?? createLettingIn({ sender, clock, userAgent: settings.userAgent }),
    keysOf: keysWith(SEALING_KEY, signingKeyring.privateKeyOf),
    credentialsOf: credentialsWith(SEALING_KEY),
    wake: () => loops[0]!.wake(),
    notify: (operational) => news.push(operational),
    clock,
    random,
    log,
    settings,
  });
  directory.onChange((changed) => dispatcher.changed(changed));
  await dispatcher.take(ALL_SHARDS);
  const loops = [
    startLoop({ name: 'dispatcher', ...dispatcher, restMs: 0, clock, log }),
    startLoop({ name: 'directory', tick: directory.refresh, idleMs: () => 1_000, restMs: 0, clock, log }),
  ];
  const unsubscribe = store.onVisible(() => {
    for (const loop of loops) loop.wake();
  });
  let stopped: Promise<void> | undefined;

  async function stop(graceMs = 2_000): Promise<void> {
    await dispatcher.drain(graceMs);
    unsubscribe();
    await Promise.all(loops.map((loop) => loop.stop()));
    await sender.close();
    if (options.store === undefined) await store.close();
  }

  return {
    store,
    signingKeyring,
    control,
    dispatcher,
    directory,
    secret,
    lines,
    news,
    async register(spec) {
      const name = `hook-${newId('webhook', clock.now(), random)}`;
      const asked = {
        eventTypes: ['nobody.publishes.this'],
        timeoutMs: 2_000,
        retryPolicy: QUICK_RETRIES,
        ...spec,
        name,
      };
      const { webhook, created } = await control.webhooks.register({
        namespace: 'default',
        spec: asked,
        secret,
      });
      assert.ok(created);
      return webhook;
    },
    async publish(webhook, bodies, { event = {}, delivery = {}, dueAt = clock.now() } = {}) {
      const now = clock.now();
      const publications = bodies.map((body) => ({
        event: {
          id: newId('event', now, random),
          namespace: webhook.namespace,
          type: 'test',
          time: now,
          contentType: 'text/plain',
          body: new TextEncoder().encode(body),
          headers: {},
          createdAt: now,
          ...event,
        },
        deliveries: [
          { id: newId('delivery', now, random), webhookId: webhook.id, format: 'BODY' as const, ...delivery },
        ],
        dueAt,
        run: false,
        ...(event.callerId !== undefined && { remember: { digest: 'same', until: now } }),
      }));
      await store.publish(publications);
      return publications.map(({ deliveries }) => deliveries[0]!.id);
    },
    async delivery(id) {
      const found = await store.getDelivery({ namespace: 'default', id: id });
      assert.ok(found, `there is no delivery ${id}`);
      return found;
    },
    async finished(webhook) {
      const query = { namespace: webhook.namespace, webhookId: webhook.id, limit: 5_000 };
      return until(async () => {
        const deliveries = await store.listDeliveries(query);
        return deliveries.some(({ state }) => state === 'PENDING') ? undefined : deliveries.toReversed();
      });
    },
    stop(graceMs) {
      stopped ??= stop(graceMs);
      return stopped;
    },
    async [Symbol.asyncDispose]() {
      stopped ??= stop(0);
      await stopped;
    },
  };
}

/** Asks again until there is an answer; rejects after ten seconds without one. */
export async function until<T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let tries = 0; tries < 1_000; tries++) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not happen within ten seconds');
}

/** Those operational events that tell of a delivery. */
export function aboutDeliveries(
  news: readonly OperationalEvent[],
): Extract<OperationalEvent, { delivery: object }>[] {
  return news.filter((each) => 'delivery' in each);
}
