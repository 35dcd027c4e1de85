import type { Door } from '../domain/access/door.ts';
import { hostsOf, judgeHosts } from '../domain/access/host.ts';
import { NO_PROXIES, type ProxyPolicy, sourceOf } from '../domain/access/source.ts';
import type { Clock } from '../domain/clock.ts';
import { isInboxPath } from '../domain/webhook/own-listeners.ts';
import type { Log } from '../telemetry/log.ts';
import { letIn } from './access.ts';
import { DEFAULT_BOUNDS, type InboxBounds } from './bounds.ts';
import { createBoxes } from './boxes.ts';
import {
  type InboxRequest,
  type InboxResponse,
  refuse,
  refuseHost,
  reply,
  replyJson,
  wantsPage,
} from './http.ts';
import { createControl, summaryView } from './manage.ts';
import { openPage } from './page-files.ts';
import { createIntake, type Verify } from './receive.ts';
import { receivedView } from './received.ts';
import { createWatchers } from './watchers.ts';

export type { InboxBounds } from './bounds.ts';
export type { Verify } from './receive.ts';

/**
 * A place to send webhooks to while trying things out. Whatever is sent to `/inbox/<name>` is
 * accepted, answered as its owner wishes, and shown live at that address in a browser. Kept in memory
 * only, within `InboxBounds`. All of it answers to the server's own names only: what is received could
 * come from any page anyway, but one rule for the whole path leaves no gap between two.
 *
 * ```
 * GET    /inbox                              the inboxes: a page, or JSON for programs
 * GET    /inbox/<name>                       the page, where `accept` asks for text/html
 * *      /inbox/<name>[/<anything else>]     is received
 * GET    /inbox/<name>/requests              newest first; ?limit=<n>
 * DELETE /inbox/<name>/requests              drops them
 * GET    /inbox/<name>/requests/<n>          one
 * GET    /inbox/<name>/requests/<n>/body     its body's bytes
 * GET    /inbox/<name>/answer                how it answers
 * PUT    /inbox/<name>/answer                sets that (see `Answer`)
 * GET    /inbox/<name>/events                what happens, as Server-Sent Events
 * ```
 */
export interface Inbox {
  /** Answers the request and returns true where its path is the inbox's; otherwise touches nothing. */
  handle(req: InboxRequest, res: InboxResponse): boolean;
  /**
   * Ends the streams and gives the answers that are held back, so that a server can stop. What still
   * comes is received and answered at once: it may be an attempt that the same server waits for.
   */
  close(): void;
}

export interface InboxDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly verify: Verify;
  /** The names by which it may be called, besides addresses and `localhost`: see `HostPolicy`. */
  readonly allowedHosts: readonly string[];
  /** Who may look at what was received, and change how it is answered. Whoever sends needs no key. */
  readonly door: Door;
  /** Through which proxies it is called; none when not given. */
  readonly proxies?: ProxyPolicy;
  /** Bounds other than the default ones. */
  readonly options?: Partial<InboxBounds>;
}

const ROOT = '/inbox';
/** `.` and `..` are left out: clients take them out of a path before they send it. */
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/;
const NAME_RULE =
  'Send to /inbox/<name>, where the name is 1 to 64 of the characters A-Z, a-z, 0-9, dot, underscore ' +
  'and hyphen, and neither "." nor "..".';
/** The page's files live here: it is not in the alphabet of names. */
const FILES = '~';

export function createInbox(deps: InboxDeps): Inbox {
  const { clock, log, verify, allowedHosts, door, proxies = NO_PROXIES, options } = deps;
  const bounds: InboxBounds = { ...DEFAULT_BOUNDS, ...options };
  const page = openPage();
  const watchers = createWatchers({ log, bounds });
  let changes = 0;
  const boxes = createBoxes({
    bounds,
    onChange(summary, request) {
      const revision = ++changes;
      watchers.publish(summary.name, () => ({
        revision,
        inbox: summaryView(summary),
        ...(request === undefined ? {} : { request: receivedView(summary.name, request) }),
      }));
    },
  });
  const control = createControl({ clock, log, boxes, watchers, bounds, revision: () => changes });
  const intake = createIntake({ clock, log, verify, boxes, bounds });

  const sourceFor = (req: InboxRequest) => sourceOf(req.socket, req.headers, proxies);

  async function route(req: InboxRequest, res: InboxResponse, target: string): Promise<void> {
    const [path = '', query = ''] = target.split('?', 2);
    const [name = '', ...below] = path.slice(ROOT.length + 1).split('/');
    const looks = req.method === 'GET' || req.method === 'HEAD';
    if (name === '' && below.length === 0) {
      if (letIn(door, 'READ', sourceFor(req), req, res)) index(req, res);
    } else if (name === FILES) {
      const file = below.join('/');
      if (page.has(file)) page.serve(file, req, res);
      else refuse(res, 404, 'There is no such file.');
    } else if (!NAME.test(name)) {
      refuse(res, 400, NAME_RULE);
    } else if (control.owns(below)) {
      const source = sourceFor(req);
      const principal = letIn(door, looks ? 'READ' : 'MANAGE', source, req, res);
      if (principal === undefined) return;
      const check = () => door.check(principal);
      const { isSecure } = source;
      await control.handle({
        req,
        res,
        name,
        path: below,
        query: new URLSearchParams(query),
        check,
        isSecure,
      });
    } else if (!wantsPage(req)) {
      await intake.receive(name, req, res);
    } else if (below.length === 0) {
      if (letIn(door, 'READ', sourceFor(req), req, res)) page.serve('inbox.html', req, res);
    } else {
      const location = `${ROOT}/${name}`;
      reply(res, { status: 302, type: 'text/plain', body: '', headers: { location } });
    }
  }

  function index(req: InboxRequest, res: InboxResponse): void {
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      refuse(res, 405, NAME_RULE, { allow: 'GET, HEAD' });
      return;
    }
    if (wantsPage(req)) {
      page.serve('index.html', req, res);
      return;
    }
    res.setHeader('vary', 'accept');
    const now = new Date(clock.now()).toISOString();
    replyJson(res, 200, { now, bounds, inboxes: boxes.summaries().map(summaryView) });
  }

  return {
    handle(req, res) {
      const target = req.url ?? '';
      if (!isInboxPath(target)) return false;
      const verdict = judgeHosts(hostsOf(req), { allowedHosts });
      if (verdict !== 'allow') {
        refuseHost(req, res, verdict.deny);
        return true;
      }
      route(req, res, target).catch((error: unknown) => {
        log.error({ err: error, method: req.method }, 'inbox failed');
        if (!res.headersSent) refuse(res, 500, 'The inbox failed; the log says why.');
        else res.destroy();
      });
      return true;
    },

    close() {
      intake.close();
      watchers.close();
    },
  };
}
