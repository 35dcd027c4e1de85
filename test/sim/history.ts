/** One history: nodes, publishers and faults as a seed decides, and whether what was promised was kept in it. */
import { setImmediate } from 'node:timers/promises';
import { newId } from '../../src/domain/id.ts';
import type { RunCursor } from '../../src/domain/schedule/schedule.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { firstCursor } from '../support/cursors.ts';
import { anEvent, aWebhook } from '../support/store.ts';
import { type Chance, createChance } from './chance.ts';
import { createDatabase, type Database, type Row } from './database.ts';
import { createFaults } from './faults.ts';
import { createLink, type Weather } from './link.ts';
import { type SimNode, startNode } from './node.ts';
import { createReceivers } from './receivers.ts';
import { createWorld, type Machine, takeTimers, type World } from './world.ts';

/** What came of a history. */
export interface Told {
  readonly seed: number;
  /** What must not have happened, the first first; nothing where all went well. */
  readonly violations: readonly string[];
  readonly events: number;
  readonly deliveries: number;
  readonly sent: number;
  readonly buried: number;
}

export interface HistoryOptions {
  readonly seed: number;
  /** How long things go wrong, in simulated time. */
  readonly stormMs: number;
  /** What happens, for who looks into a seed. */
  readonly tell?: (line: string) => void;
}

/** How long things go wrong in each history, in simulated time. */
export const STORM_MS = 35_000;

const T0 = Date.UTC(2026, 0, 1);
/** In this time after the last fault everything is delivered. */
const CALM_MS = 150_000;
const LOOK_MS = 500;
/** Longer ago than this, what went wrong has no more to do with who is buried. */
const LONG_MS = 40_000;
/** How late a run may be when all is well. */
const LATE_MS = 3_000;
const EVENTS_MAX = 3_000_000;
const VIOLATIONS_MAX = 10;

export async function runHistory({ seed, stormMs, tell = () => {} }: HistoryOptions): Promise<Told> {
  // Nothing else of this process is done from here to the end.
  await setImmediate();
  const world = createWorld();
  const giveBack = takeTimers(world);
  try {
    return await history({ seed, stormMs, tell }, world);
  } finally {
    giveBack();
  }
}

async function history({ seed, stormMs, tell }: Required<HistoryOptions>, world: World): Promise<Told> {
  const chance = createChance(seed);
  const violations: string[] = [];
  const violated = (what: string): void => {
    tell(`${world.now().toFixed(1)} VIOLATED: ${what}`);
    if (violations.length < VIOLATIONS_MAX) violations.push(`at ${Math.round(world.now())} ms: ${what}`);
  };
  const say = (line: string): void => tell(`${world.now().toFixed(1)} ${line}`);
  const database = createDatabase({ now: world.now, T0, violated });
  const receivers = createReceivers({ world, database, chance, violated });
  const weather: Weather = {
    isDown: false,
    wentAt: [-LONG_MS, -LONG_MS],
    cutOff: new Set(),
    slowness: chance.pick([0, 0.01, 0.04, 0.2, 0.4]),
  };
  const topUpMax = chance.pick([3, 8, 100, 500]);
  const nodes = new Set<SimNode>();
  /** Until when something of a machine's own can have kept it from beating. */
  const excusedUntil = new Map<Machine, number>();
  let started = 0;
  let buried = 0;

  function excuse(machine: Machine, forMs: number): void {
    excusedUntil.set(machine, Math.max(excusedUntil.get(machine) ?? 0, world.now() + forMs));
  }

  function onBuried(name: string, by: string): void {
    buried++;
    say(`${by} buries ${name}`);
    for (const post of receivers.of(name)) {
      const { isDead, isStopped } = post.machine;
      if (!isDead && !isStopped) violated(`${name} was buried with ${post.row.delivery.id} in flight`);
    }
    const victim = machineOf(name);
    // In several outages one can miss its chance between them.
    const isOften = weather.wentAt[1] > world.now() - LONG_MS;
    if (victim !== undefined && !isOften && (excusedUntil.get(victim) ?? 0) < world.now()) {
      violated(`${name} was buried, though nothing had happened to it`);
    }
  }

  function machineOf(name: string): Machine | undefined {
    return [...nodes].find((node) => node.name() === name)?.machine;
  }

  /** Sometimes one that is to be buried comes back just then. */
  function onBurying(names: readonly string[]): void {
    for (const name of names) {
      const machine = machineOf(name);
      if (machine?.isStopped && chance.hits(0.5)) world.goOn(machine);
    }
  }

  function start(): void {
    const machine = world.machine(`m${++started}`, chance.between(-50, 50));
    const store = createLink({
      ...{ world, database, machine, weather, chance, topUpMax, onBurying, onBuried },
      onSlow: (ms) => excuse(machine, 2 * ms + 15_000),
    });
    world.after(0, machine, () => {
      nodes.add(startNode({ world, machine, store, receivers, chance, T0, violated }));
    });
    say(`${machine.name} starts`);
  }

  const webhooks = register(database, chance);
  const publishers = createPublishers({ world, database, chance, webhooks, weather });
  const faults = createFaults({ world, database, chance, weather, receivers, nodes, start, excuse, say });
  const first = chance.whole(2, 4);
  for (let i = 0; i < first; i++) start();
  publishers.begin(stormMs);
  if (!chance.hits(0.05)) faults.begin(stormMs);

  let events = 0;
  async function until(time: number): Promise<void> {
    while (world.now() < time && events < EVENTS_MAX && violations.length === 0) {
      events++;
      if (!(await world.step())) break;
    }
  }
  await until(stormMs);
  faults.end();
  receivers.calm();
  const end = world.now() + CALM_MS;
  const left = (): string[] => unfinished(database, webhooks, stormMs, T0 + world.now());
  while (world.now() < end && left().length > 0) {
    const before = world.now();
    await until(before + LOOK_MS);
    if (world.now() === before) break;
  }
  if (violations.length === 0) for (const what of left()) violated(what);
  const deliveries = database.rows.size;
  return { seed, violations, events, deliveries, sent: receivers.sent, buried };
}

/** What of that which was accepted during the storm is not delivered yet, and schedules that are not kept. */
function unfinished(
  database: Database,
  webhooks: readonly Webhook[],
  stormMs: number,
  now: number,
): string[] {
  const left: string[] = [];
  for (const { delivery, begunAt, isVisible } of database.live.values()) {
    if (isVisible && begunAt <= stormMs)
      left.push(`${delivery.id} of ${delivery.webhookId} is never delivered`);
  }
  for (const { id } of webhooks) {
    const dueAt = database.cursors.get(id)?.dueAt ?? now;
    if (dueAt < now - LATE_MS) left.push(`no run of ${id} is fired any more`);
  }
  return left;
}

/** Webhooks of all kinds. */
function register(database: Database, chance: Chance): Webhook[] {
  const webhooks: Webhook[] = [];
  for (let i = 0; i < 10; i++) {
    const id = newId('webhook', T0, chance);
    const every = chance.whole(1, 6) * 1_000;
    const isScheduled = i >= 8;
    const webhook = aWebhook({
      id,
      createdAt: T0,
      spec: {
        name: `hook-${i}`,
        destination: `http://host-${chance.whole(1, 4)}.test/${i}`,
        eventTypes: ['a'],
        timeoutMs: 8_000,
        retryPolicy: { maxAttempts: 1_000, delaysMs: [200, 1_500], jitter: 0.2, clientErrors: 'RETRY' },
        limits: { concurrency: chance.whole(1, 6), ordered: i < 5 },
        ...(isScheduled ? { schedule: { when: { kind: 'every', periodMs: every }, overlap: 'ALLOW' } } : {}),
      },
    });
    const { schedule: _, ...rest } = webhook.effective;
    const plain: Webhook = isScheduled ? webhook : { ...webhook, effective: rest };
    const none: RunCursor = { anchorAt: T0, nominalAt: null, dueAt: null, fired: 0, skipped: 0 };
    const cursor = isScheduled ? firstCursor(id, webhook.effective.schedule, T0) : none;
    database.webhooks.set(id, { ...plain, cursor });
    if (isScheduled) database.cursors.set(id, cursor);
    webhooks.push(plain);
  }
  return webhooks;
}

interface Publishing {
  readonly world: World;
  readonly database: Database;
  readonly chance: Chance;
  readonly webhooks: readonly Webhook[];
  readonly weather: Weather;
}

/** Publishers, of which some leave their transactions open for long, and some are broken off. */
function createPublishers({ world, database, chance, webhooks, weather }: Publishing) {
  const heavy = chance.hits(0.15);

  function publishOne(): void {
    if (weather.isDown) return;
    const webhook = chance.pick(webhooks.slice(0, 8));
    const xid = database.begin();
    const at = Math.round(T0 + world.now());
    const dueAt = chance.hits(0.1) ? at + chance.whole(100, 20_000) : at;
    const made: Row[] = [];
    for (let i = chance.hits(0.1) ? chance.whole(2, heavy ? 60 : 12) : 1; i > 0; i--) {
      const event = anEvent({ id: newId('event', at, chance), type: 'a', time: at, createdAt: at });
      const id = newId('delivery', at, chance);
      made.push(database.insert(xid, webhook.id, { id, body: event, dueAt, firstDueAt: dueAt }));
    }
    const openMs = chance.hits(0.1) ? chance.between(100, 9_000) : chance.between(0.1, 5);
    world.after(openMs, undefined, () => {
      // A crash has ended it.
      if (!database.isOpen(xid, made)) return;
      if (chance.hits(0.05)) {
        database.abort(xid);
        return;
      }
      database.commit(xid);
      world.after(chance.between(0.2, 3), undefined, () => {
        for (const row of made) row.toldAt = world.now();
      });
    });
  }

  return {
    begin(forMs: number): void {
      const gapMs = chance.pick([60, 200, 600]);
      const next = (): void => {
        if (world.now() > forMs) return;
        publishOne();
        world.after(chance.between(0.2, 2) * gapMs, undefined, next);
      };
      world.after(0, undefined, next);
    },
  };
}
