/** How long to wait before connecting again where the browser itself gave up. */
const RECONNECT_MS = 5000;
/** Events kept while the list is being read; beyond, it is read again. */
const PENDING_MAX = 1000;

/**
 * Follows an inbox: first the list, then each change. `onList` starts the page afresh; `onChange`
 * is one event; `onState` is 'live' or 'connecting'.
 *
 * The stream is opened before the list is read, and events that the list knows already are left
 * out by their revision: so nothing is missed between the two.
 */
export function follow(name, { onList, onChange, onState }) {
  let source;
  let timer;

  function stop() {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  }

  function later() {
    stop();
    onState('connecting');
    timer = setTimeout(start, RECONNECT_MS);
  }

  function start() {
    stop();
    const mine = new EventSource(`/inbox/${name}/events`);
    source = mine;
    /** Events that came before the list; undefined once the list is there. */
    let pending = [];

    mine.onopen = async () => {
      pending = [];
      try {
        const response = await fetch(`/inbox/${name}/requests`, { cache: 'no-store' });
        if (!response.ok) throw new Error(response.statusText);
        const list = await response.json();
        if (source !== mine) return;
        onList(list);
        for (const event of pending) if (event.revision > list.revision) onChange(event);
        pending = undefined;
        onState('live');
      } catch {
        if (source === mine) later();
      }
    };
    mine.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (pending === undefined) onChange(event);
      else if (pending.push(event) > PENDING_MAX) later();
    };
    mine.onerror = () => {
      if (mine.readyState === EventSource.CLOSED) later();
      else onState('connecting');
    };
  }

  // A browser opens six connections to a server over HTTP/1.1: a page nobody sees gives its own back.
  document.addEventListener('visibilitychange', () => (document.hidden ? stop() : start()));
  addEventListener('pagehide', stop);
  addEventListener('pageshow', ({ persisted }) => persisted && start());
  start();
}
