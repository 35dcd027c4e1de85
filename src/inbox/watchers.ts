import type { Log } from '../telemetry/log.ts';
import type { InboxBounds } from './bounds.ts';
import { type InboxResponse, refuse, writeSafeHeaders } from './http.ts';

/** Said where nothing happens. An event and no comment, which a page is not told of. */
const BEAT = 'event: beat\ndata: {}\n\n';
/** How soon a page connects again, in milliseconds. */
const RECONNECT_MS = 1_000;

/**
 * Pages that watch an inbox, by Server-Sent Events (WHATWG HTML, section 9.2). They hear what
 * happens from now on; a page reads the list once it is connected. One that does not read what it is
 * sent is cut off, rather than remembered for: it connects again and reads the list.
 */
export interface Watchers {
  /**
   * Answers with a stream of events, or with 503 where there are too many. It ends once `check` raises: its watcher
   * would not be let in any more.
   */
  watch(name: string, res: InboxResponse, check: () => void): void;
  /** Tells all watchers of an inbox. `data` is made only where there is one. */
  publish(name: string, data: () => unknown): void;
  /** Ends all streams; there are none from then on. */
  close(): void;
}

export interface WatchersOptions {
  readonly log: Log;
  readonly bounds: Pick<InboxBounds, 'watchersMax' | 'watcherBytesMax' | 'heartbeatMs'>;
}

export function createWatchers({ log, bounds }: WatchersOptions): Watchers {
  const watching = new Map<InboxResponse, { readonly name: string; readonly check: () => void }>();
  let heartbeat: NodeJS.Timeout | undefined;
  let closed = false;

  function leave(res: InboxResponse): void {
    watching.delete(res);
    if (watching.size > 0) return;
    clearInterval(heartbeat);
    heartbeat = undefined;
  }

  function send(res: InboxResponse, text: string): void {
    if (res.writableLength > bounds.watcherBytesMax) {
      log.info({ inbox: watching.get(res)?.name, unreadBytes: res.writableLength }, 'inbox watcher cut off');
      leave(res);
      res.destroy();
      return;
    }
    try {
      watching.get(res)?.check();
    } catch {
      // It connects again, and is told why.
      leave(res);
      res.end();
      return;
    }
    // The two `write` methods have overloads and so no common call signature in TypeScript.
    const writable: { write(chunk: string): unknown } = res;
    writable.write(text);
  }

  return {
    watch(name, res, check) {
      if (closed) {
        refuse(res, 503, 'Carillon is stopping.', { 'retry-after': '5' });
        return;
      }
      if (watching.size >= bounds.watchersMax) {
        const error = `Too many pages watch already; at most ${bounds.watchersMax} can. Close one and reload.`;
        refuse(res, 503, error, { 'retry-after': '10' });
        return;
      }
      writeSafeHeaders(res, { 'cache-control': 'no-store', 'content-type': 'text/event-stream' });
      watching.set(res, { name, check });
      res.on('close', () => leave(res));
      res.on('error', () => leave(res));
      send(res, `retry: ${RECONNECT_MS}\n\n`);
      heartbeat ??= setInterval(() => {
        for (const watcher of watching.keys()) send(watcher, BEAT);
      }, bounds.heartbeatMs).unref();
    },

    publish(name, data) {
      let text: string | undefined;
      for (const [res, watched] of watching) {
        if (watched.name !== name) continue;
        // JSON has no bare line break, so one `data` line always holds it.
        text ??= `data: ${JSON.stringify(data())}\n\n`;
        send(res, text);
      }
    },

    close() {
      closed = true;
      for (const res of watching.keys()) {
        leave(res);
        res.end();
      }
    },
  };
}
