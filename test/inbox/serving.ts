import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Door } from '../../src/domain/access/door.ts';
import { createInbox, type Inbox, type InboxBounds, type Verify } from '../../src/inbox/inbox.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { OPEN_DOOR } from '../support/door.ts';
import { type LogLine, recordingLog } from '../support/log.ts';

/** What `GET …/requests` tells of one, as far as tests read it. */
export interface RequestView {
  readonly number: number;
  readonly time: string;
  readonly method: string;
  readonly path: string;
  readonly headers: [string, string][];
  readonly bytes: number;
  readonly keptBytes: number;
  readonly preview: string | null;
  readonly bodyUrl: string;
  readonly webhookId: string | null;
  readonly attempt: number | null;
  readonly refused: string | null;
  readonly signature: { readonly state: string; readonly reason?: string };
  readonly answer: { readonly status: number; readonly state: string; readonly retryAfter: number | null };
}

export interface ListView {
  readonly revision: number;
  readonly inbox: { readonly kept: number; readonly received: number; readonly dropped: number } & {
    readonly oldest: number;
    readonly turnedAway: number;
    readonly answer: Record<string, number | null>;
  };
  readonly requests: RequestView[];
}

/** An inbox behind a real HTTP/1.1 server. */
export interface Serving extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  readonly inbox: Inbox;
  readonly clock: ManualClock;
  readonly lines: LogLine[];
  /** POSTs to an inbox, unless told otherwise. */
  send(path: string, init?: RequestInit): Promise<Response>;
  list(name: string): Promise<ListView>;
  /** Sets the answer, and insists that it was taken. */
  answer(name: string, answer: Record<string, number | null>): Promise<void>;
  /** Cuts every connection, as a network does. */
  dropConnections(): void;
  /** Resolves with the list once it is as it should be. */
  listed(name: string, as: (list: ListView) => boolean): Promise<ListView>;
}

export interface ServingOptions {
  readonly verify?: Verify;
  readonly options?: Partial<InboxBounds>;
  readonly allowedHosts?: readonly string[];
  /** A free one unless told: that of a server that was there before. */
  readonly port?: number;
  /** Lets in everybody when not given. */
  readonly door?: Door;
}

export const START = Date.parse('2026-03-01T12:00:00Z');

export async function serveInbox({
  verify,
  options,
  allowedHosts = [],
  port: wantedPort = 0,
  door = OPEN_DOOR,
}: ServingOptions = {}): Promise<Serving> {
  const clock = manualClock(START);
  const { log, lines } = recordingLog();
  const inbox = createInbox({
    door,
    clock,
    log,
    verify: verify ?? (async () => 'unknown'),
    allowedHosts,
    ...(options === undefined ? {} : { options }),
  });
  const server = createServer((req, res) => {
    if (inbox.handle(req, res)) return;
    res.statusCode = 404;
    res.end('not the inbox');
  });
  server.listen(wantedPort, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;

  const list = async (name: string): Promise<ListView> => {
    const response = await fetch(`${origin}/inbox/${name}/requests`);
    return (await response.json()) as ListView;
  };

  return {
    origin,
    port,
    inbox,
    clock,
    lines,
    send: (path, init) => fetch(`${origin}/inbox/${path}`, { method: 'POST', ...init }),
    list,
    async answer(name, answer) {
      const response = await fetch(`${origin}/inbox/${name}/answer`, {
        method: 'PUT',
        body: JSON.stringify(answer),
      });
      if (!response.ok) throw new Error(await response.text());
      await response.arrayBuffer();
    },
    dropConnections: () => server.closeAllConnections(),
    async listed(name, as) {
      for (;;) {
        const now = await list(name);
        if (as(now)) return now;
      }
    },
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      inbox.close();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
