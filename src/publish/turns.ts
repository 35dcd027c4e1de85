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
      await nextTurn();
      begun = clock.monotonic();
    },
  };
}

/**
 * Waits for a turn of its own. All long work of the process stands in one line, and the event loop goes round once
 * between two of them: however many callers want something long, a short call waits for one turn and not for theirs all.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(letOne);
  });
}

const waiting: (() => void)[] = [];

function letOne(): void {
  waiting.shift()!();
  if (waiting.length > 0) setImmediate(letOne);
}
