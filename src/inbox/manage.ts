import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/error.ts';
import type { Log } from '../telemetry/log.ts';
import { parseAnswer } from './answer.ts';
import type { InboxBounds } from './bounds.ts';
import type { Boxes, BoxSummary } from './boxes.ts';
import { type InboxRequest, type InboxResponse, isFromOwnPage, refuse, reply, replyJson } from './http.ts';
import { receivedView } from './received.ts';
import { readBody } from './request-body.ts';
import type { Watchers } from './watchers.ts';

/** Paths below an inbox that are for looking at it and setting it, and so are not received. */
const CONTROL_PATHS: ReadonlySet<string> = new Set(['requests', 'answer', 'events']);
/** What an answer may weigh as JSON. */
const ANSWER_BYTES_MAX = 4096;

/** One call about an inbox. */
export interface ControlCall {
  readonly req: InboxRequest;
  readonly res: InboxResponse;
  readonly name: string;
  /** The path below the inbox, in segments. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  /** Raises when its caller would not be let in any more. */
  readonly check: () => void;
  /** Whether it came over TLS; undefined where that is not known. */
  readonly isSecure: boolean | undefined;
}

/** What the page and scripts use: requests, answer and events of one inbox. */
export interface Control {
  owns(path: readonly string[]): boolean;
  handle(call: ControlCall): Promise<void>;
}

export interface ControlOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly boxes: Boxes;
  readonly watchers: Watchers;
  readonly bounds: InboxBounds;
  /** The number of changes so far: lists carry it, so that a page can place them among events. */
  readonly revision: () => number;
}

type Act = (call: ControlCall) => void | Promise<void>;

export function createControl(options: ControlOptions): Control {
  const { clock, log, boxes, watchers, bounds, revision } = options;

  /** What can be done at a path, by method. */
  function actsAt([own, number, leaf, ...rest]: readonly string[]): Readonly<Record<string, Act>> {
    if (number === undefined) {
      if (own === 'requests') return { GET: list, DELETE: clear };
      if (own === 'answer') return { GET: showAnswer, PUT: setAnswer };
      return { GET: watch };
    }
    if (own !== 'requests' || rest.length > 0) return {};
    if (leaf === undefined) return { GET: showRequest };
    return leaf === 'body' ? { GET: showBody } : {};
  }

  const list: Act = ({ res, name, query }) => {
    const limit = query.get('limit') ?? String(bounds.requestsMax);
    if (!/^\d{1,6}$/.test(limit)) {
      refuse(res, 400, 'limit must be a whole number.');
      return;
    }
    replyJson(res, 200, {
      now: new Date(clock.now()).toISOString(),
      revision: revision(),
      bounds,
      inbox: summaryView(boxes.summary(name)),
      requests: boxes
        .list(name)
        .slice(0, Number(limit))
        .map((request) => receivedView(name, request)),
    });
  };

  const clear: Act = ({ res, name }) => {
    boxes.clear(name);
    log.info({ inbox: name }, 'inbox cleared');
    reply(res, { status: 204, type: '', body: '' });
  };

  const showAnswer: Act = ({ res, name }) => replyJson(res, 200, boxes.summary(name).answer);

  const setAnswer: Act = async ({ req, res, name }) => {
    const within = { ...bounds, bodyBytesMax: ANSWER_BYTES_MAX, discardBytesMax: ANSWER_BYTES_MAX };
    const read = await readBody(req, { grow: () => true, giveBack: () => {} }, within);
    if (read.end === 'hung-up') return;
    try {
      const json = Buffer.from(read.end === 'whole' ? read.body : []).toString();
      const answer = parseAnswer(json);
      boxes.setAnswer(name, answer);
      log.info({ inbox: name, answer }, 'inbox answer set');
      replyJson(res, 200, answer);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      refuse(res, 400, error.message);
    }
  };

  const watch: Act = ({ req, res, name, check }) => {
    if (req.method === 'HEAD') reply(res, { status: 200, type: 'text/event-stream', body: '' });
    else watchers.watch(name, res, check);
  };

  const showRequest: Act = (call) => {
    const request = find(call);
    if (request !== undefined) replyJson(call.res, 200, receivedView(call.name, request));
  };

  const showBody: Act = (call) => {
    const request = find(call);
    if (request === undefined) return;
    // Never as the type it came with: a stranger's HTML must not run as a page of ours.
    const headers = { 'content-disposition': `attachment; filename="${call.name}-${request.number}.bin"` };
    reply(call.res, { status: 200, type: 'application/octet-stream', body: request.body, headers });
  };

  function find({ res, name, path: [, number = ''] }: ControlCall) {
    const request = /^[1-9]\d{0,15}$/.test(number) ? boxes.get(name, Number(number)) : undefined;
    if (request === undefined) refuse(res, 404, 'There is no such request, or it is no longer kept.');
    return request;
  }

  return {
    owns: ([own]) => own !== undefined && CONTROL_PATHS.has(own),

    async handle(call) {
      const { req, res, name, path } = call;
      const acts = actsAt(path);
      const act = acts[req.method === 'HEAD' ? 'GET' : (req.method ?? '')];
      if (act === undefined) {
        refuseUnknown(call, Object.keys(acts).join(', '));
        return;
      }
      // Streams as well: another site would hear nothing, but could use up the watchers.
      if ((act !== watch && req.method === 'GET') || isFromOwnPage(req, call)) {
        await act(call);
        return;
      }
      log.warn({ inbox: name, method: req.method, origin: req.headers.origin }, 'inbox refused another site');
      refuse(res, 403, 'Only the inbox page itself and programs may do this, not another site.');
    },
  };
}

/** How an inbox is told to the page and to scripts. */
export function summaryView({ lastAt, ...rest }: BoxSummary) {
  return { ...rest, lastTime: lastAt === null ? null : new Date(lastAt).toISOString() };
}

function refuseUnknown({ res, name }: ControlCall, allow: string): void {
  if (allow === '') {
    refuse(res, 404, `There is nothing here; GET /inbox/${name}/requests for what was received.`);
    return;
  }
  const error = `This path takes ${allow}. To have a request received, send it to /inbox/${name}.`;
  refuse(res, 405, error, { allow });
}
