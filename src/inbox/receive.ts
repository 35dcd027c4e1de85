import { constants } from 'node:http2';
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../telemetry/log.ts';
import type { GivenAnswer } from './answer.ts';
import type { InboxBounds } from './bounds.ts';
import type { Boxes } from './boxes.ts';
import { type InboxRequest, type InboxResponse, refuse, reply } from './http.ts';
import { attemptOf, headerPairs, headersByName, type Received, type Signature } from './received.ts';
import { type BodyRead, createReadingBudget, readBody } from './request-body.ts';

/** What the composition root says of a signature: it knows the secrets, the inbox does not. */
export type Verdict = 'valid' | { readonly invalid: string } | 'unknown';

/** Checks a request. Names in lower case; the body whole, byte for byte. */
export type Verify = (request: {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}) => Promise<Verdict>;

/** Takes requests in: reads, keeps, checks and answers them. */
export interface Intake {
  receive(name: string, req: InboxRequest, res: InboxResponse): Promise<void>;
  /** Gives the answers that are held back, and holds none back from then on. */
  close(): void;
}

export interface IntakeOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly verify: Verify;
  readonly boxes: Boxes;
  readonly bounds: InboxBounds;
}

/** The headers that make a request a signed webhook (Standard Webhooks 1.0.0). */
const WEBHOOK_HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];

export function createIntake({ clock, log, verify, boxes, bounds }: IntakeOptions): Intake {
  const budget = createReadingBudget(bounds.readingBytesMax);
  /** Ends the waiting of each answer that is held back. */
  const held = new Set<() => void>();
  let open = 0;
  let closed = false;

  async function receive(name: string, req: InboxRequest, res: InboxResponse): Promise<void> {
    const receivedAt = clock.now();
    const share = budget.open();
    const read = await readBody(req, share, bounds);
    if (read.end === 'no-room') {
      share.giveBack();
      turnAway(name, req, res, read.more);
      return;
    }
    const refusal = refusalOf(read, bounds);
    const given = refusal ?? boxes.takeAnswer(name);
    const headers = headerPairs(req.rawHeaders);
    const byName = headersByName(headers);
    const signature = expectedSignature(byName, read);
    const { number } = boxes.add(name, {
      receivedAt,
      method: req.method ?? '',
      path: req.url ?? '',
      httpVersion: req.httpVersion,
      headers,
      // A copy of its own: a view would keep the whole body in memory.
      body: new Uint8Array(read.body.subarray(0, bounds.keptBytesMax)),
      bytes: read.bytes,
      webhookId: byName['webhook-id'] ?? null,
      attempt: attemptOf(byName['carillon-attempt']),
      refused: refusal?.reason ?? null,
      signature,
      answer: { ...answerOnly(given), state: firstState(given, read) },
    });
    log.debug(
      { inbox: name, number, method: req.method, bytes: read.bytes, status: given.status, end: read.end },
      'inbox request',
    );

    const checked =
      signature.state === 'checking' ? check(name, number, byName, read.body) : Promise.resolve();
    void checked.finally(() => share.giveBack());
    if (read.end === 'hung-up') return;
    if (refusal !== undefined) {
      refuseAndLetGo(req, res, refusal, read.more);
      return;
    }
    if (given.delayMs > 0) {
      const state = (await stays(res, given.delayMs)) ? 'sent' : 'hung-up';
      boxes.update(name, number, { answer: { ...answerOnly(given), state } });
      if (state === 'hung-up') return;
    }
    // Who asks for the inbox with curl wants to look, and does not know that this was received as well.
    const hint =
      req.method === 'GET' ? `See them in a browser, or with GET /inbox/${name}/requests as JSON.\n` : '';
    reply(res, {
      status: given.status,
      type: 'text/plain; charset=utf-8',
      body: `Request ${number} of inbox ${name}.\n${hint}`,
      headers: given.retryAfter === null ? {} : { 'retry-after': String(given.retryAfter) },
    });
  }

  /** Asks for the verdict and notes it. It never rejects. */
  async function check(
    name: string,
    number: number,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Promise<void> {
    let signature: Signature;
    try {
      const verdict = await verify({ headers, body });
      if (verdict === 'valid') signature = { state: 'valid' };
      else if (verdict === 'unknown') signature = { state: 'unknown', reason: 'no secret is known for it' };
      else signature = { state: 'invalid', reason: verdict.invalid };
    } catch (error) {
      log.warn({ inbox: name, number, err: error }, 'inbox could not check a signature');
      signature = { state: 'unknown', reason: 'the check itself failed; the log says why' };
    }
    boxes.update(name, number, { signature });
  }

  /** Waits; false where the sender did not. */
  function stays(res: InboxResponse, delayMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (stayed: boolean): void => {
        clearTimeout(timer);
        held.delete(answerNow);
        res.off('close', onClose);
        resolve(stayed);
      };
      const answerNow = () => finish(true);
      const onClose = () => finish(false);
      const timer = setTimeout(answerNow, closed ? 0 : delayMs);
      timer.unref();
      held.add(answerNow);
      res.on('close', onClose);
    });
  }

  function turnAway(name: string, req: InboxRequest, res: InboxResponse, more: boolean): void {
    boxes.turnAway(name);
    const reason = 'Too many requests are open at once; send it again in a second.';
    refuseAndLetGo(req, res, { status: 503, reason, headers: { 'retry-after': '1' } }, more);
  }

  return {
    async receive(name, req, res) {
      if (open >= bounds.openMax) {
        req.on('error', () => {});
        turnAway(name, req, res, !req.readableEnded);
        return;
      }
      open++;
      try {
        await receive(name, req, res);
      } finally {
        open--;
      }
    },

    close() {
      closed = true;
      for (const answerNow of held) answerNow();
    },
  };
}

interface Refusal extends GivenAnswer {
  readonly reason: string;
}

/** What a body that did not come whole is answered, and listed with. */
function refusalOf(read: BodyRead, bounds: InboxBounds): Refusal | undefined {
  const none = { delayMs: 0, retryAfter: null };
  switch (read.end) {
    case 'too-large':
      return {
        ...none,
        status: 413,
        reason: `The body is longer than ${bounds.bodyBytesMax.toLocaleString('en')} bytes.`,
      };
    case 'too-slow':
      return { ...none, status: 408, reason: `The body took longer than ${bounds.bodyMs} ms to arrive.` };
    case 'hung-up':
      return { ...none, status: 400, reason: 'The sender hung up before the body was complete.' };
    default:
      return undefined;
  }
}

function refuseAndLetGo(
  req: InboxRequest,
  res: InboxResponse,
  { status, reason, headers }: { status: number; reason: string; headers?: Readonly<Record<string, string>> },
  more: boolean,
): void {
  if (!more) {
    refuse(res, status, reason, headers);
    return;
  }
  // The sender does not stop by itself, so the connection has no other use: Node closes it after the
  // answer. Of HTTP/2 only the stream is closed, without an error (RFC 9113, section 8.1).
  // (The response itself emits `finish` only once its stream has closed.)
  if ('stream' in req) req.stream.on('finish', () => req.stream.close(constants.NGHTTP2_NO_ERROR));
  else res.setHeader('connection', 'close');
  req.resume();
  refuse(res, status, reason, headers);
}

function expectedSignature(headers: Readonly<Record<string, string>>, read: BodyRead): Signature {
  if (!WEBHOOK_HEADERS.some((name) => name in headers)) return { state: 'unsigned' };
  if (read.end === 'whole') return { state: 'checking' };
  return { state: 'unknown', reason: 'the body is not complete' };
}

function firstState(given: GivenAnswer, read: BodyRead): Received['answer']['state'] {
  if (read.end === 'hung-up') return 'hung-up';
  return given.delayMs > 0 ? 'waiting' : 'sent';
}

function answerOnly({ status, delayMs, retryAfter }: GivenAnswer): GivenAnswer {
  return { status, delayMs, retryAfter };
}
