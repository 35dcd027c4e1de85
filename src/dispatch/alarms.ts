import { createDueQueue } from '../domain/due-queue.ts';

/** When a lane that sleeps is looked at again. */
export interface Alarm {
  /** Infinity: when something happens. */
  readonly wakeAt: number;
  /** When the next timer that was set for it goes off; Infinity when none was. */
  readonly timerAt: number;
}

interface OwnAlarm extends Alarm {
  wakeAt: number;
  timerAt: number;
}

/** A lane that does not sleep. */
export function noAlarm(): Alarm {
  return { wakeAt: Number.POSITIVE_INFINITY, timerAt: Number.POSITIVE_INFINITY };
}

/**
 * The alarms of all lanes. Only the functions of this file write an alarm.
 *
 * Invariant: while `wakeAt` is finite, a timer is set for the lane that goes off at `timerAt`, which is not
 * after `wakeAt`. Timers are never taken back: one that goes off too early is set again, and one that
 * nobody waits for any more does nothing.
 */
export interface Alarms<L> {
  /** Lets a lane sleep until then; with Infinity, until its alarm is stopped. */
  set(lane: L, until: number): void;
  /** The lane is awake, or gone. */
  stop(lane: L): void;
  /** A lane whose time has come, awake by now; undefined when there is none. */
  takeDue(now: number): L | undefined;
  readonly nextAt: number;
}

export function createAlarms<L extends { readonly alarm: Alarm }>(): Alarms<L> {
  const timers = createDueQueue<L>();

  function own({ alarm }: L): OwnAlarm {
    return alarm;
  }

  function setTimer(lane: L, at: number): void {
    if (at >= lane.alarm.timerAt) return;
    own(lane).timerAt = at;
    timers.push(lane, at);
  }

  return {
    set(lane, until) {
      own(lane).wakeAt = until;
      setTimer(lane, until);
    },
    stop(lane) {
      own(lane).wakeAt = Number.POSITIVE_INFINITY;
    },
    takeDue(now) {
      for (let lane = timers.popDue(now); lane !== undefined; lane = timers.popDue(now)) {
        const alarm = own(lane);
        alarm.timerAt = Number.POSITIVE_INFINITY;
        if (alarm.wakeAt <= now) {
          alarm.wakeAt = Number.POSITIVE_INFINITY;
          return lane;
        }
        // It was woken, and sent to sleep again for longer, since the timer was set.
        setTimer(lane, alarm.wakeAt);
      }
      return undefined;
    },
    get nextAt() {
      return timers.nextDueAt;
    },
  };
}
