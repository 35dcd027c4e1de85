import type { OtherSignal, StopSignal, World } from '../../src/cli/world.ts';
import { T0 } from './store.ts';

/** A process for the command line to run in: it records what it is told, and is sent signals by the test. */
export interface TestWorld extends World {
  /** What was printed so far. */
  readonly printed: { out: string; err: string };
  /** The codes that the process was ended with at once. */
  readonly exits: readonly number[];
  /** Resolves with the first of them. */
  readonly exited: Promise<number>;
  /** How many listeners there are for signals and crashes. */
  listeners(): number;
  signal(signal: StopSignal | OtherSignal): void;
  crash(error: unknown): void;
  /** The process that started it ends. */
  orphan(): void;
}

/** A world with an empty environment and no files, unless given. */
export function testWorld(
  given: Partial<
    Pick<
      World,
      | 'env'
      | 'cwd'
      | 'terminal'
      | 'columns'
      | 'interactive'
      | 'timeZone'
      | 'readFile'
      | 'readBytes'
      | 'listFolder'
      | 'writeFile'
      | 'ask'
    >
  > = {},
): TestWorld {
  const printed = { out: '', err: '' };
  const exits: number[] = [];
  const exited = Promise.withResolvers<number>();
  const signals = new Set<(signal: StopSignal) => void>();
  const otherSignals = new Set<(signal: OtherSignal) => void>();
  const crashes = new Set<(error: unknown) => void>();
  const orphaned = new Set<() => void>();
  return {
    env: {},
    cwd: '/srv/carillon',
    terminal: false,
    columns: undefined,
    interactive: false,
    timeZone: 'UTC',
    now: () => T0,
    flush: async () => true,
    readFile: async () => undefined,
    readBytes: () => Promise.reject(new Error('there is no such file')),
    listFolder: async () => undefined,
    writeFile: () => Promise.reject(new Error('nothing can be written here')),
    ask: () => Promise.reject(new Error('nobody can be asked here')),
    ...given,
    printed,
    exits,
    exited: exited.promise,
    out(text) {
      printed.out += text;
    },
    err(text) {
      printed.err += text;
    },
    onSignal: (listener) => subscribe(signals, listener),
    onOtherSignal: (listener) => subscribe(otherSignals, listener),
    onCrash: (listener) => subscribe(crashes, listener),
    onOrphaned: (listener) => subscribe(orphaned, listener),
    exit(code) {
      exits.push(code);
      exited.resolve(code);
    },
    listeners: () => signals.size + otherSignals.size + crashes.size + orphaned.size,
    signal(signal) {
      if (signal === 'SIGHUP' || signal === 'SIGUSR1') for (const listener of otherSignals) listener(signal);
      else for (const listener of signals) listener(signal);
    },
    crash(error) {
      for (const listener of crashes) listener(error);
    },
    orphan() {
      for (const listener of orphaned) listener();
    },
  };
}

function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
