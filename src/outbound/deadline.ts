import type { Clock } from '../domain/clock.ts';

/** A timer that went off this late: the process did not run, or had no time for its sockets. */
const HELD_UP_MS = 1_000;

/**
 * Calls back when so much time is over, but only after what has arrived by then was read: a process that was
 * suspended finds its timers due before it has looked at its sockets. `heldUpMs` is for how long nothing was
 * done here meanwhile; 0 unless that is worth telling. Returns a way to call it off.
 */
export function startDeadline(
  clock: Pick<Clock, 'monotonic'>,
  ms: number,
  over: (heldUpMs: number) => void,
): () => void {
  const begun = clock.monotonic();
  let isOff = false;
  const timer = setTimeout(() => {
    const lateMs = Math.round(clock.monotonic() - begun - ms);
    // Timers come first in a turn of the event loop, then sockets, then what `setImmediate` was given. In the
    // second turn, what the first has set going, such as the end of a handshake, has been read too.
    setImmediate(() => {
      setImmediate(() => {
        if (!isOff) over(lateMs >= HELD_UP_MS ? lateMs : 0);
      });
    });
  }, ms);
  return () => {
    isOff = true;
    clearTimeout(timer);
  };
}
