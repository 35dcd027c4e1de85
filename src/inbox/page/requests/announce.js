/** How long it is quiet after something was said: a webhook may ring every second. */
const QUIET_MS = 30_000;

/**
 * Tells those who listen rather than look that requests came: the first at once, then at most every half a
 * minute how many there were since. `say` speaks; time is given, so that it can be tried.
 */
export function createAnnouncer(say, { now = Date.now, later = setTimeout, cancel = clearTimeout } = {}) {
  let count = 0;
  let saidAt = Number.NEGATIVE_INFINITY;
  let timer;

  function speak() {
    timer = undefined;
    if (count === 0) return;
    say(count === 1 ? '1 new request' : `${count} new requests`);
    count = 0;
    saidAt = now();
  }

  return {
    came() {
      count++;
      const wait = saidAt + QUIET_MS - now();
      if (wait <= 0) speak();
      else timer ??= later(speak, wait);
    },
    /** What had come does not matter any more: it was looked at. */
    forget() {
      cancel(timer);
      timer = undefined;
      count = 0;
    },
  };
}
