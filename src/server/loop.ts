import type { Clock } from '../domain/clock.ts';
import { createTrouble, troubleFields } from '../domain/trouble.ts';
import type { Log } from '../telemetry/log.ts';

/**
 * Repeats a tick and sleeps between two. Everything that happens in the background is such a tick, so
 * that a test can make it happen by calling it.
 */
export interface Loop {
  /** Ends the sleep, because there is something to do. */
  wake(): void;
  /** Lets the tick under way finish and makes no more. Tolerates being called twice. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  readonly name: string;
  readonly tick: () => Promise<unknown>;
  /** Milliseconds until there is something to do. */
  readonly idleMs: () => number;
  /** The least time between two ticks, so that what comes together is done together. */
  readonly restMs: number;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly log: Log;
}

/** How long to wait after a tick failed. */
const FAILED_MS = 1_000;

export function startLoop({ name, tick, idleMs, restMs, clock, log }: LoopOptions): Loop {
  const trouble = createTrouble(clock);
  let stopped = false;
  /** Whether somebody called since the tick began. */
  let called = false;
  let endSleep: (() => void) | undefined;

  /** With 0, a turn of the event loop, so that sockets are read between two ticks. */
  async function sleep(ms: number, endsEarly: () => boolean): Promise<void> {
    if (ms <= 0) return new Promise((resolve) => void setImmediate(resolve));
    if (endsEarly()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      endSleep = () => {
        if (!endsEarly()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    endSleep = undefined;
  }

  /** Not each time: it is tried every second, for as long as a full disk lasts. */
  function tellFailure(reason: string): void {
    const told = trouble.failed(reason);
    if (told === undefined) return;
    const message = told.failures === 1 ? 'failed; it is tried again every second' : 'still fails';
    log.error({ loop: name, reason, ...troubleFields(told) }, `${name} ${message}`);
  }

  function tellSuccess(): void {
    const over = trouble.isOver();
    if (over !== undefined) log.info({ loop: name, ...troubleFields(over) }, `${name} works again`);
  }

  async function run(): Promise<void> {
    while (!stopped) {
      called = false;
      try {
        await tick();
      } catch (error) {
        tellFailure((error as Error).message);
        await sleep(FAILED_MS, () => stopped);
        continue;
      }
      tellSuccess();
      await sleep(restMs, () => stopped);
      await sleep(idleMs() - restMs, () => stopped || called);
    }
  }

  const running = run();
  return {
    wake() {
      called = true;
      endSleep?.();
    },
    async stop() {
      stopped = true;
      endSleep?.();
      await running;
    },
  };
}
