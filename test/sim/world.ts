/**
 * Time for programs that run in one process as if each had a machine of its own. Nothing happens but events, one after
 * another, each to its end, so that a seed always makes the same history. The timers of a program are events of its
 * machine: they wait while that is stopped, and are gone with it.
 */
import { syncBuiltinESMExports } from 'node:module';
import promises from 'node:timers/promises';
import { createDueQueue } from '../../src/domain/due-queue.ts';

/** A machine, or a process on it. */
export interface Machine {
  readonly name: string;
  /** It was killed: nothing of it happens any more. */
  isDead: boolean;
  /** It is stopped: what is to happen on it happens afterwards. */
  isStopped: boolean;
  /** How long its monotonic clock has stood still in all: while it was suspended. */
  stoodStillMs: number;
  /** Since when it is suspended. */
  suspendedAt: number | undefined;
  /** How much its wall clock is ahead. */
  readonly aheadMs: number;
  readonly missed: Event[];
}

export interface World {
  /** The true time, in milliseconds since the beginning. */
  now(): number;
  /** Does something after so long; of a machine, or outside of all. */
  after(ms: number, machine: Machine | undefined, run: () => void): Event;
  /** Lets the next event happen. Returns whether there was one. */
  step(): Promise<boolean>;
  machine(name: string, aheadMs: number): Machine;
  stop(machine: Machine, suspended: boolean): void;
  goOn(machine: Machine): void;
}

interface Event {
  readonly machine: Machine | undefined;
  readonly run: () => void;
  isOff: boolean;
}

/** What a turn of the event loop takes, so that time passes for who is never idle. */
const TURN_MS = 0.05;
/** Events at the same time happen in the order in which they were planned. */
const APART_MS = 1e-9;

export function createWorld(): World {
  const queue = createDueQueue<Event>();
  let time = 0;
  let planned = 0;

  function plan(at: number, event: Event): void {
    queue.push(event, at + ++planned * APART_MS);
  }

  return {
    now: () => time,
    after(ms, machine, run) {
      const event = { machine, run, isOff: false };
      plan(time + Math.max(0, ms), event);
      return event;
    },
    async step() {
      const at = queue.nextDueAt;
      const event = queue.popDue(at);
      if (event === undefined) return false;
      time = Math.max(time, at);
      const { machine } = event;
      if (event.isOff || machine?.isDead) return true;
      if (machine?.isStopped) {
        machine.missed.push(event);
        return true;
      }
      running = machine;
      event.run();
      // Until all that follows from it at once has been done.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      running = undefined;
      return true;
    },
    machine: (name, aheadMs) => ({
      name,
      isDead: false,
      isStopped: false,
      stoodStillMs: 0,
      suspendedAt: undefined,
      aheadMs,
      missed: [],
    }),
    stop(machine, suspended) {
      machine.isStopped = true;
      if (suspended) machine.suspendedAt = time;
    },
    goOn(machine) {
      machine.isStopped = false;
      if (machine.suspendedAt !== undefined) machine.stoodStillMs += time - machine.suspendedAt;
      machine.suspendedAt = undefined;
      for (const event of machine.missed.splice(0)) plan(time, event);
    },
  };
}

/** On which machine something happens just now: its timers are those of the world. */
let running: Machine | undefined;

/** Puts the timers of the world in the place of the real ones, for what runs on a machine. Returns a way back. */
export function takeTimers(world: World): () => void {
  const real = { setTimeout, clearTimeout, setImmediate };
  const realTurn = promises.setImmediate;
  function fake(event: Event) {
    const timer = { event, unref: () => timer, ref: () => timer, hasRef: () => true };
    return timer;
  }
  Object.assign(globalThis, {
    setTimeout(run: () => void, ms = 0) {
      if (running === undefined) return real.setTimeout(run, ms);
      return fake(world.after(Math.max(ms, TURN_MS), running, run));
    },
    setImmediate(run: () => void) {
      if (running === undefined) return real.setImmediate(run);
      return fake(world.after(TURN_MS, running, run));
    },
    clearTimeout(timer: ReturnType<typeof fake> | NodeJS.Timeout | undefined) {
      if (timer !== undefined && timer !== null && 'event' in timer) timer.event.isOff = true;
      else real.clearTimeout(timer);
    },
  });
  // Whoever imports it has it by that name, and sees the other one.
  Object.assign(promises, {
    setImmediate: (): Promise<void> =>
      running === undefined ? realTurn() : new Promise((resolve) => void setImmediate(resolve)),
  });
  syncBuiltinESMExports();
  return () => {
    Object.assign(globalThis, real);
    promises.setImmediate = realTurn;
    syncBuiltinESMExports();
  };
}
