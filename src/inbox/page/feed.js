import { ask } from './dom.js';

/** How long to wait before connecting again, after so many failures in a row; then always the last. */
const WAITS_MS = [300, 1_000, 2_000, 3_000];
/** How long a connection may take to come, or to be refused. */
const ANSWER_MS_MAX = 10_000;
/** How many heartbeats may fail to come before a connection counts as dead, though nobody closed it. */
const BEATS_MISSED_MAX = 2.5;
/** Events kept while the list is being read; beyond, it is read again. */
const PENDING_MAX = 1000;

/**
 * Follows an inbox: first the list, then each change. `onList` starts the page afresh; `onChange` is one
 * event; `onState` is `{ kind: 'connecting' }`, `{ kind: 'live' }` or `{ kind: 'lost', since, why }`, with
 * the time at which it last worked, and the reason that Carillon gave, if it gave one. It tries again by itself,
 * and after `tryNow` at once.
 *
 * The stream is opened before the list is read, and events that the list knows already are left
 * out by their revision: so nothing is missed between the two.
 */
export function follow(name, { onList, onChange, onState }) {
  let source;
  let timer;
  let watchdog;
  let failures = 0;
  /** When it was last known to work. */
  let heardAt = Date.now();
  let beatMs = 15_000;

  function stop() {
    clearTimeout(timer);
    clearTimeout(watchdog);
    source?.close();
    source = undefined;
  }

  /** Something has to be heard within this time. */
  function expect(ms) {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => fail(), ms);
  }

  function heard() {
    heardAt = Date.now();
    expect(beatMs * BEATS_MISSED_MAX);
  }

  function fail(why) {
    stop();
    // One failure is every network's, and mended before anybody has read of it.
    onState(++failures < 2 ? { kind: 'connecting' } : { kind: 'lost', since: heardAt, why });
    timer = setTimeout(start, WAITS_MS[Math.min(failures, WAITS_MS.length) - 1]);
  }

  async function readList() {
    const response = await ask(`/inbox/${name}/requests`);
    return response.json();
  }

  function start() {
    stop();
    const mine = new EventSource(`/inbox/${name}/events`);
    source = mine;
    /** Events that came before the list; undefined once the list is there. */
    let pending = [];
    expect(ANSWER_MS_MAX);

    mine.onopen = async () => {
      expect(2 * ANSWER_MS_MAX);
      try {
        const list = await readList();
        if (source !== mine) return;
        beatMs = list.bounds.heartbeatMs;
        heard();
        failures = 0;
        onList(list);
        for (const event of pending) if (event.revision > list.revision) onChange(event);
        pending = undefined;
        onState({ kind: 'live' });
      } catch {
        if (source === mine) fail();
      }
    };
    mine.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (pending !== undefined) {
        if (pending.push(event) > PENDING_MAX) fail();
        return;
      }
      heard();
      onChange(event);
    };
    mine.addEventListener('beat', () => pending === undefined && heard());
    mine.onerror = async () => {
      // Carillon answered, but not with a stream: it says why.
      const why = mine.readyState === EventSource.CLOSED ? await refusal(name) : undefined;
      // Where it is too many that watch, the list can be read all the same.
      const list = why === undefined ? undefined : await readList().catch(() => undefined);
      if (source !== mine) return;
      if (list !== undefined) {
        heardAt = Date.now();
        onList(list);
      }
      fail(why);
    };
  }

  // A browser opens six connections to a server over HTTP/1.1: a page nobody sees gives its own back.
  document.addEventListener('visibilitychange', () => (document.hidden ? stop() : start()));
  addEventListener('pagehide', stop);
  addEventListener('pageshow', ({ persisted }) => persisted && start());
  addEventListener('online', start);
  start();
  return { tryNow: start };
}

/** Why Carillon does not let this page watch, in its own words; a stream does not tell. */
async function refusal(name) {
  const leaving = new AbortController();
  const signal = AbortSignal.any([leaving.signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
  try {
    const response = await fetch(`/inbox/${name}/events`, { cache: 'no-store', signal });
    if (!response.ok) return (await response.json()).error;
    leaving.abort();
  } catch {
    // It does not answer, or not with words.
  }
  return undefined;
}
