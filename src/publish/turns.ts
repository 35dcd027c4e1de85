import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../domain/clock.ts';

/**
 * Divides a long piece of work into turns, so that it holds up nobody: `if (turns.isOver()) await turns.next()`
 * before each part. All work on one clock shares them: however much is published at once, no round of the event
 * loop takes longer than a turn and the part that ends it.
 */
export interface Turns {
  isOver(): boolean;
  /** Lets everyone else have their turn first. */
  next(): Promise<void>;
}

type TurnClock = Pick<Clock, 'monotonic'>;

/** How long one turn may be. */
const TURN_MS = 5;
/** Rounds of the event loop that others have to themselves at most after a turn that was too long. */
const REST_ROUNDS_MAX = 32;

interface Round {
  /** When the first work of this round of the event loop began. */
  begun?: number | undefined;
  /** Rounds that are left to others. */
  rest: number;
}

const rounds = new WeakMap<TurnClock, Round>();

export function createTurns(clock: TurnClock): Turns {
  const round = rounds.get(clock) ?? { rest: 0 };
  rounds.set(clock, round);

  function isOver(): boolean {
    if (round.rest > 0) return true;
    const now = clock.monotonic();
    if (round.begun === undefined) {
      round.begun = now;
      void endLater(round, clock);
    }
    return now - round.begun >= TURN_MS;
  }

  return {
    isOver,
    async next() {
      // Whoever has waited may have been overtaken by others who did.
      do await setImmediate();
      while (isOver());
    },
  };
}

/** Ends a round, and then leaves as many to others as it took turns too long: a call needs several to be answered. */
async function endLater(round: Round, clock: TurnClock): Promise<void> {
  await setImmediate();
  const tooLong = Math.floor((clock.monotonic() - round.begun!) / TURN_MS) - 1;
  round.begun = undefined;
  for (round.rest = Math.min(tooLong, REST_ROUNDS_MAX); round.rest > 0; round.rest--) await setImmediate();
}
