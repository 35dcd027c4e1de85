import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../domain/clock.ts';

/** Divides a long piece of work into turns, so that it holds up nobody: `if (turns.isOver()) await turns.next()`. */
export interface Turns {
  isOver(): boolean;
  /** Lets everyone else have their turn first. */
  next(): Promise<void>;
}

/** How long one turn may be. */
const TURN_MS = 5;

export function createTurns(clock: Pick<Clock, 'monotonic'>): Turns {
  let begun = clock.monotonic();
  return {
    isOver: () => clock.monotonic() - begun >= TURN_MS,
    async next() {
      await setImmediate();
      begun = clock.monotonic();
    },
  };
}
