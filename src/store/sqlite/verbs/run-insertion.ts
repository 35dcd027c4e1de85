import { HELD, type RunCode, type TurnCode } from '../../rows/codes.ts';
import type { NewDeliveryRow } from '../../rows/messages.ts';
import { EVENT, type EventRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Hook } from '../hooks.ts';
import { createInsertion, type Places } from './insertion.ts';

/** Inserts runs, each with its one delivery. */
export interface RunInsertion {
  /** Inserts the event of a run. Inserts nothing and returns undefined if it exists. */
  event(row: EventRow): Places | undefined;
  /** Inserts its delivery. Returns its place, negative if it waits for its turn. */
  delivery(row: NewDeliveryRow, event: EventRow, places: Places, how: HowRun): number;
}

export interface HowRun {
  readonly hook: Hook;
  readonly queue: RunCode;
  /** Whether it goes only when those before it in the queue are finished. */
  readonly inTurn: boolean;
  readonly turn: TurnCode;
  readonly now: number;
  readonly firstDueAt: number;
}

export function createRunInsertion(context: Context): RunInsertion {
  const insertion = createInsertion(context);
  const { turns } = context;

  return {
    event: (row) => insertion.event(row, 1),
    delivery(row, event, places, { hook, queue, inTurn, turn, now, firstDueAt }) {
      const before = inTurn ? turns.last(hook.key, queue) : undefined;
      const isHeld = before !== undefined;
      if (isHeld) turns.hold(hook.key);
      insertion.delivery(row, hook, places, {
        dueAt: isHeld ? HELD : now,
        // Not before what it waits for, even if the clock was put back: in an ordered lane each would wait for the other.
        firstDueAt: isHeld ? Math.max(before, firstDueAt) : firstDueAt,
        run: queue,
        turn,
        createdAt: event[EVENT.at.createdAt],
        replayOf: null,
      });
      return isHeld ? -places.ord : places.ord;
    },
  };
}
