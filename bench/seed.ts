import { HEALTHY } from '../src/domain/delivery/lane.ts';
import { DEFAULT_RETRY_POLICY } from '../src/domain/delivery/retry-policy.ts';
import { newId } from '../src/domain/id.ts';
import { systemRandom } from '../src/domain/random.ts';
import { newSecret, sealSecret } from '../src/domain/webhook/secret.ts';
import type { Webhook, WebhookSpec } from '../src/domain/webhook/webhook.ts';
import { openStore } from '../src/store/open.ts';
import type { Store } from '../src/store/store.ts';
import { databaseIn, SEALING_KEY } from './process.ts';

/** A webhook to be: what it is called, and where it rings. */
interface Named {
  readonly name: string;
  readonly destination: string;
}

/** One that rings by itself. */
export interface Planned extends Named {
  readonly periodMs: number;
  /** Its first run; the others follow by the period. */
  readonly firstAt: number;
  readonly timeoutMs?: number;
  /** After so many runs it rings no more. */
  readonly maxRuns?: number;
}

/** One that events ring. */
export interface Subscribed extends Named {
  readonly eventTypes: readonly string[];
  /** Requests in flight at once; 8 without it, as for everybody who says nothing. */
  readonly concurrency?: number;
}

const BATCH = 2_000;
/** Batches under way, so that one is made while another is written. */
const UNDER_WAY = 2;
/** Registered so long ago that ids, which begin with their time, differ in it as they do in life. */
const REGISTERED_AT = 1_767_225_600_000;

const random = systemRandom();
/** One secret for all: what it costs to open is the same. */
const sealed = sealSecret(SEALING_KEY, newSecret(random), random);

/** Opens the database in a folder, by the same port that the server uses. */
export function openSeed(folder: string): Promise<Store> {
  return openStore(databaseIn(folder));
}

/** Registers `count` webhooks. Returns their ids. */
export async function seed(
  store: Pick<Store, 'createWebhooks'>,
  count: number,
  plan: (i: number) => Planned | Subscribed,
): Promise<string[]> {
  const ids: string[] = [];
  const writing = new Set<Promise<unknown>>();
  for (let from = 0; from < count; from += BATCH) {
    const batch: Webhook[] = [];
    for (let i = from; i < Math.min(count, from + BATCH); i++) batch.push(webhookOf(plan(i), i));
    for (const { id } of batch) ids.push(id);
    if (writing.size >= UNDER_WAY) await Promise.race(writing);
    const write = store.createWebhooks(batch).finally(() => writing.delete(write));
    writing.add(write);
  }
  await Promise.all(writing);
  return ids;
}

/** A registration with the defaults of one that names only a schedule, or only event types. */
function webhookOf(plan: Planned | Subscribed, i: number): Webhook {
  const createdAt = REGISTERED_AT + i;
  return {
    id: newId('webhook', createdAt, random),
    namespace: 'default',
    ...('eventTypes' in plan ? subscribed(plan, createdAt) : planned(plan)),
    sealedSecrets: [sealed],
    state: 'ACTIVE',
    health: HEALTHY,
    filterFailures: 0,
    createdAt,
    updatedAt: createdAt,
    version: 1,
  };
}

function planned(plan: Planned): Pick<Webhook, 'spec' | 'cursor'> {
  const { name, destination, periodMs, firstAt, timeoutMs = DEFAULTS.timeoutMs, maxRuns } = plan;
  return {
    spec: {
      ...DEFAULTS,
      name,
      destination,
      schedule: {
        when: { kind: 'every', periodMs },
        jitterMs: 0,
        misfire: 'FIRE_LATEST',
        catchupMs: 3_600_000,
        overlap: 'SUPERSEDE',
        ...(maxRuns !== undefined && { maxRuns }),
      },
      timeoutMs,
    },
    cursor: { anchorAt: firstAt - periodMs, nominalAt: firstAt, dueAt: firstAt, fired: 0, skipped: 0 },
  };
}

function subscribed(plan: Subscribed, createdAt: number): Pick<Webhook, 'spec' | 'cursor'> {
  const { name, destination, eventTypes, concurrency = DEFAULTS.limits.concurrency } = plan;
  return {
    spec: { ...DEFAULTS, name, destination, eventTypes, limits: { concurrency, ordered: false } },
    cursor: { anchorAt: createdAt, nominalAt: null, dueAt: null, fired: 0, skipped: 0 },
  };
}

const DEFAULTS: Omit<WebhookSpec, 'name' | 'destination'> = {
  eventTypes: [],
  headers: {},
  timeoutMs: 15_000,
  retryPolicy: DEFAULT_RETRY_POLICY,
  limits: { concurrency: 8, ordered: false },
  labels: {},
};
