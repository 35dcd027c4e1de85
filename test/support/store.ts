/** Builders of what the store keeps, with plain defaults, and a store to keep it in. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Namespace } from '../../src/domain/access/namespace.ts';
import type { Attempt } from '../../src/domain/delivery/attempt.ts';
import { HEALTHY } from '../../src/domain/delivery/lane.ts';
import { type Event, RUN_EVENT_TYPE } from '../../src/domain/event/event.ts';
import { type IdKind, newId, runEventId } from '../../src/domain/id.ts';
import { leftOut } from '../../src/domain/schedule/run-plan.ts';
import type { RunCursor } from '../../src/domain/schedule/schedule.ts';
import type { AskedSpec } from '../../src/domain/webhook/asked.ts';
import { withDefaults } from '../../src/domain/webhook/defaults.ts';
import type { SigningSecret } from '../../src/domain/webhook/rotation.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import type { NamespaceDirectory } from '../../src/store/namespace-directory.ts';
import { openStore, type StoreOptions } from '../../src/store/open.ts';
import type { NewDelivery, OnOverlap, Publication, RunFiring, Store } from '../../src/store/store.ts';

/** When everything in these builders happens unless told otherwise: 2026-01-01T00:00:00Z. */
export const T0 = 1_767_225_600_000;

const MINUTE = 60_000;

/** A store that is gone when closed. Writes wait for no company, so that tests are quick. */
export function openMemoryStore(options: StoreOptions = {}): Promise<Store> {
  return openStore(':memory:', { lingerMs: 0, ...options });
}

/** Where a database can be, in a folder of its own that is removed after the test. */
export function aDatabasePath(t: TestContext): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'carillon-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'carillon.db');
}

let drawn = 0;

/** A new id, greater than those made before it. */
export function testId(kind: IdKind, at = T0): string {
  const bytes = new Uint8Array(10);
  new DataView(bytes.buffer).setUint32(6, ++drawn);
  return newId(kind, at, { unit: () => 0, bytes: () => bytes });
}

export type WebhookOverrides = Partial<Omit<Webhook, 'spec' | 'effective'>> & {
  readonly spec?: Partial<AskedSpec>;
};

/** Of the webhooks and deliveries that were built here. */
const namespaceOf = new Map<string, string>();

/** An ACTIVE webhook ringing every minute from `T0`, with a name of its own. */
export function aWebhook(overrides: WebhookOverrides = {}): Webhook {
  const id = overrides.id ?? testId('webhook');
  const spec = aSpec({ name: `hook-${id.slice(-6).toLowerCase()}`, ...overrides.spec });
  namespaceOf.set(id, overrides.namespace ?? 'default');
  return {
    namespace: 'default',
    secrets: [aSecret()],
    state: 'ACTIVE',
    cursor: { anchorAt: T0, nominalAt: T0 + MINUTE, dueAt: T0 + MINUTE, fired: 0, skipped: 0 },
    health: HEALTHY,
    healthVersion: 0,
    filterFailures: 0,
    createdAt: T0,
    updatedAt: T0,
    version: 1,
    ...overrides,
    id,
    spec,
    effective: withDefaults(spec, { defaultEveryMs: 5_000 }),
  };
}

/** A signing secret that does not end. What is sealed in it no key opens, unless told otherwise. */
export function aSecret(overrides: Partial<SigningSecret> = {}): SigningSecret {
  return { id: testId('secret'), sealed: new Uint8Array([1, 2, 3]), createdAt: T0, ...overrides };
}

/** What a caller of `aWebhook` asked for. */
export function aSpec(overrides: Partial<AskedSpec> = {}): AskedSpec {
  const asked: AskedSpec = {
    name: 'joe',
    destination: 'http://127.0.0.1:9/hook',
    schedule: { when: { kind: 'every', periodMs: MINUTE } },
    retryPolicy: { maxAttempts: 10, delaysMs: [5_000, 5 * MINUTE] },
  };
  return { ...withDefaults(asked, { defaultEveryMs: 5_000 }), ...overrides };
}

/** An event that nobody published yet. */
export function anEvent(overrides: Partial<Event> = {}): Event {
  return {
    id: testId('event'),
    namespace: 'default',
    type: RUN_EVENT_TYPE,
    contentType: 'text/plain; charset=utf-8',
    body: new TextEncoder().encode('Hello joe'),
    headers: {},
    time: T0,
    createdAt: T0,
    ...overrides,
  };
}

export interface PublicationOverrides extends Partial<Omit<Publication, 'event' | 'deliveries'>> {
  readonly event?: Partial<Event>;
}

/**
 * One event with a delivery for each of these webhooks, in the namespace of the first, due at `T0`. An id of its caller
 * is its own until `T0`.
 */
export function aPublication(
  webhookIds: readonly string[],
  overrides: PublicationOverrides = {},
): Publication {
  return {
    dueAt: T0,
    run: false,
    ...(overrides.event?.callerId !== undefined && { remember: { digest: 'same', until: T0 } }),
    ...overrides,
    event: anEvent({ namespace: namespaceOf.get(webhookIds[0] ?? '') ?? 'default', ...overrides.event }),
    deliveries: webhookIds.map((webhookId) => aDelivery(webhookId)),
  };
}

/** A delivery to be made, of the event's own bytes. */
export function aDelivery(webhookId: string, overrides: Partial<NewDelivery> = {}): NewDelivery {
  const delivery: NewDelivery = { id: testId('delivery'), webhookId, format: 'BODY', ...overrides };
  namespaceOf.set(delivery.id, namespaceOf.get(webhookId) ?? 'default');
  return delivery;
}

/** What a delivery is found by that was built here. */
export function keyOf(id: string): { namespace: string; id: string } {
  return { namespace: namespaceOf.get(id) ?? 'default', id };
}

export type RunOverrides = Partial<Omit<RunFiring, 'onOverlap'>> & {
  readonly overlap?: OnOverlap['policy'];
  /** How many may wait where they take turns. */
  readonly waitingMax?: number;
};

/** The firing of a webhook's next run, as the scheduler would do it a period of a minute further. */
export function aRun(
  webhook: Webhook,
  { overlap = 'ALLOW', waitingMax = 1_000, ...overrides }: RunOverrides = {},
): RunFiring {
  const from = overrides.from ?? webhook.cursor.nominalAt ?? T0;
  const to = overrides.to ?? {
    anchorAt: webhook.cursor.anchorAt,
    nominalAt: from + MINUTE,
    dueAt: from + MINUTE,
    fired: webhook.cursor.fired + 1,
    skipped: webhook.cursor.skipped,
  };
  const runs = overrides.runs ?? [
    {
      event: anEvent({ id: runEventId(webhook.id, from), namespace: webhook.namespace, nominalAt: from }),
      delivery: aDelivery(webhook.id),
    },
  ];
  return {
    webhookId: webhook.id,
    version: webhook.version,
    from,
    to,
    onOverlap: onOverlap(overlap, leftOut(to, runs.length), waitingMax),
    now: from,
    runs,
    ...overrides,
  };
}

function onOverlap(policy: OnOverlap['policy'], to: RunCursor, waitingMax: number): OnOverlap {
  if (policy === 'BUFFER' || policy === 'SUPERSEDE_IN_TURN') return { policy, to, waitingMax };
  return policy === 'SKIP' ? { policy, to } : { policy };
}

/** An attempt that was answered with `status`. */
export function anAttempt(number: number, status = 200): Attempt {
  return {
    number,
    requestHeaders: ['webhook-id', 'msg_1', 'content-type', 'text/plain'],
    url: 'http://127.0.0.1:9/hook',
    outcome: {
      kind: 'answered',
      status,
      headers: { 'content-type': 'text/plain' },
      body: new TextEncoder().encode('ok'),
      truncated: false,
      startedAt: T0,
      durationMs: 12.5,
      timing: { connectMs: 0.5, waitMs: 10, readMs: 2 },
      remoteAddress: '127.0.0.1:9',
    },
  };
}

/** A namespace that was just made. */
export function aTenant(name: string, overrides: Partial<Namespace> = {}): Namespace {
  return { name, state: 'ACTIVE', quotas: {}, createdAt: T0, updatedAt: T0, version: 1, ...overrides };
}

/** Namespaces that are all there, without a store. */
export function theNamespaces(): NamespaceDirectory {
  const peek = (name: string) => aTenant(name);
  return { peek, load: async (names) => names.map(peek) };
}
