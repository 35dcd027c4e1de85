import { newWebhook } from '../src/control/new-webhook.ts';
import { systemClock } from '../src/domain/clock.ts';
import { newId } from '../src/domain/id.ts';
import { systemRandom } from '../src/domain/random.ts';
import type { RunCursor } from '../src/domain/schedule/schedule.ts';
import type { AskedSpec } from '../src/domain/webhook/asked.ts';
import { withDefaults } from '../src/domain/webhook/defaults.ts';
import { newSecret, sealSecret } from '../src/domain/webhook/secret.ts';
import type { Webhook } from '../src/domain/webhook/webhook.ts';
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
/** One secret for all: what it costs to seal and to open is the same. */
const secret = newSecret(random);

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

/** A registration as the server would make it of what is planned. */
function webhookOf(plan: Planned | Subscribed, i: number): Webhook {
  const now = REGISTERED_AT + i;
  const spec = 'eventTypes' in plan ? subscribed(plan) : planned(plan);
  const effective = withDefaults(spec, DEFAULT_SETTINGS);
  const owner = { namespace: 'default', id: newId('webhook', now, random) };
  const webhook = newWebhook({
    ...owner,
    spec,
    effective,
    secrets: [
      {
        id: newId('secret', now, random),
        sealed: sealSecret(SEALING_KEY, secret, owner, random),
        createdAt: now,
      },
    ],
    present: { now, zoneRules: systemClock.zoneRules },
  });
  return 'eventTypes' in plan ? webhook : { ...webhook, cursor: cursorBefore(plan) };
}

function planned({ name, destination, periodMs, timeoutMs, maxRuns }: Planned): AskedSpec {
  return {
    name,
    destination,
    schedule: { when: { kind: 'every', periodMs }, ...(maxRuns !== undefined && { maxRuns }) },
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

function subscribed({ name, destination, eventTypes, concurrency }: Subscribed): AskedSpec {
  return { name, destination, eventTypes, ...(concurrency !== undefined && { limits: { concurrency } }) };
}

/** As if it had rung until just before its first planned run. */
function cursorBefore({ periodMs, firstAt }: Planned): RunCursor {
  return { anchorAt: firstAt - periodMs, nominalAt: firstAt, dueAt: firstAt, fired: 0, skipped: 0 };
}

/** Every plan names a schedule or event types, so the period of those that name neither is never used. */
const DEFAULT_SETTINGS = { defaultEveryMs: 5_000 };
