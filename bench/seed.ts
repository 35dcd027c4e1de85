import { newId } from '../src/domain/id.ts';
import { HEALTHY } from '../src/domain/lane.ts';
import { systemRandom } from '../src/domain/random.ts';
import { DEFAULT_RETRY_POLICY } from '../src/domain/retry-policy.ts';
import { newSecret, sealSecret } from '../src/domain/secret.ts';
import type { Webhook } from '../src/domain/webhook.ts';
import { openStore } from '../src/store/open.ts';
import type { Store } from '../src/store/store.ts';
import { databaseIn, SEALING_KEY } from './process.ts';

/** A webhook to be: what it is called, where it rings, and when. */
export interface Planned {
  readonly name: string;
  readonly destination: string;
  readonly periodMs: number;
  /** Its first run; the others follow by the period. */
  readonly firstAt: number;
  readonly timeoutMs?: number;
  /** After so many runs it rings no more. */
  readonly maxRuns?: number;
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
  plan: (i: number) => Planned,
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

/** A registration with the defaults of one that names only a schedule. */
function webhookOf(planned: Planned, i: number): Webhook {
  const { name, destination, periodMs, firstAt, timeoutMs = 15_000, maxRuns } = planned;
  const createdAt = REGISTERED_AT + i;
  return {
    id: newId('webhook', createdAt, random),
    namespace: 'default',
    spec: {
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
      headers: {},
      timeoutMs,
      retryPolicy: DEFAULT_RETRY_POLICY,
      limits: { concurrency: 8, ordered: false },
      labels: {},
    },
    sealedSecrets: [sealed],
    state: 'ACTIVE',
    cursor: { anchorAt: firstAt - periodMs, nominalAt: firstAt, dueAt: firstAt, fired: 0, skipped: 0 },
    health: HEALTHY,
    createdAt,
    updatedAt: createdAt,
    version: 1,
  };
}
