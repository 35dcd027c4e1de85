import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  Delivery_State,
  type WatchDeliveriesResponse,
  WatchDeliveriesResponseSchema,
} from '../../../../gen/carillon/v1/delivery_pb.ts';
import { flagValue } from '../command.ts';
import { type Job, jsonOf, namespaceOf, wantsJson } from '../job.ts';
import { clip, plain, widthOf } from '../terminal-text.ts';
import { clockTime, msOf, span } from '../times.ts';
import { readCount } from '../values.ts';
import { resultOf, stateOf, stateStyle, webhookOf } from './shown.ts';
import { whichDeliveries } from './which.ts';

/** How long a server may be away, in tries, each waited for twice as long as the one before. */
const TRIES_MAX = 8;
const FIRST_WAIT_MS = 250;
const WAIT_MS_MAX = 10_000;
/** A server that lives says something every 15 s. */
const SILENCE_MS = 45_000;

/** Prints what happens to deliveries until a signal comes, the limit is reached, or nobody reads it any more. */
export async function watch(job: Job): Promise<void> {
  const { invocation, connection, world } = job;
  const limit = flagValue(invocation, '--limit');
  let left = limit === undefined ? Number.POSITIVE_INFINITY : readCount('--limit', limit, 1_000_000_000);
  const request = { namespace: namespaceOf(invocation), filter: await whichDeliveries(job) };
  let resumeToken = flagValue(invocation, '--resume') ?? '';
  const stop = new AbortController();
  const offSignal = world.onSignal(() => stop.abort());
  let begun = false;
  let tries = 0;
  try {
    while (left > 0) {
      const watched = watchdog(stop.signal);
      try {
        const stream = connection.deliveries.watchDeliveries(
          { ...request, resumeToken },
          { signal: watched.signal, timeoutMs: 0 },
        );
        for await (const message of stream) {
          watched.heard();
          begun = true;
          tries = 0;
          resumeToken = message.resumeToken;
          if (message.delivery === undefined) continue;
          world.out(lineOf(job, message));
          left--;
          if (!(await world.flush()) || left === 0) return;
        }
        throw new ConnectError('the server ended the stream', Code.Unavailable);
      } catch (error) {
        if (stop.signal.aborted) break;
        // Until the first message it may as well be a mistake: the caller is told at once.
        if (!begun || !isTransient(error, watched.silent()) || tries >= TRIES_MAX) {
          const isTooOld = ConnectError.from(error).code === Code.OutOfRange;
          if (begun && !isTooOld) tellResume(world, resumeToken);
          throw error;
        }
        if (tries === 0) world.err('carillon: the server is away; waiting for it …\n');
        await sleep(Math.min(FIRST_WAIT_MS * 2 ** tries, WAIT_MS_MAX), undefined, {
          signal: stop.signal,
        }).catch(() => {});
        tries++;
      } finally {
        watched.end();
      }
      if (stop.signal.aborted) break;
    }
    if (begun) tellResume(world, resumeToken);
  } finally {
    offSignal();
    stop.abort();
  }
}

/** Where another command goes on, without a gap. */
function tellResume(world: Job['world'], resumeToken: string): void {
  world.err(`carillon: go on with --resume ${resumeToken}\n`);
}

/** Whether it may help to call again. */
function isTransient(error: unknown, silent: boolean): boolean {
  if (silent) return true;
  const { code } = ConnectError.from(error);
  // A connection that breaks in the middle of a stream is reported as one of these.
  return [Code.Unavailable, Code.Aborted, Code.Canceled, Code.Internal, Code.Unknown].includes(code);
}

/** Ends a call when it is told to, or when nothing was heard for too long: a dead connection is silent for ever. */
function watchdog(stop: AbortSignal) {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENCE_MS);
  return {
    signal: AbortSignal.any([stop, silence.signal]),
    heard: () => void timer.refresh(),
    silent: () => silence.signal.aborted,
    end: () => clearTimeout(timer),
  };
}

function lineOf({ invocation, world, paper }: Job, message: WatchDeliveriesResponse): string {
  if (wantsJson(invocation)) return `${JSON.stringify(jsonOf(WatchDeliveriesResponseSchema, message))}\n`;
  const { delivery, attempt } = message;
  if (delivery === undefined) return '';
  const at = msOf(attempt?.startTime ?? delivery.finishTime) ?? world.now();
  const style = stateStyle(delivery);
  const state = plain(stateOf(delivery)).padEnd(STATE_WIDTH);
  const head = [paper.style.quiet(clockTime(at)), delivery.id, style ? paper.style[style](state) : state];
  const headWidth = TIME_WIDTH + delivery.id.length + state.length + 3 * GAP.length;
  const made = plain(whatHappened(message)).padEnd(MADE_WIDTH);
  const type = plain(delivery.eventType);
  const full = [made, plain(webhookOf(delivery)), type].join(GAP);
  const room = (paper.width ?? Number.POSITIVE_INFINITY) - headWidth;
  // The webhook is in the delivery, for whoever looks closer.
  const rest = widthOf(full) <= room ? full : clip([made, type].join(GAP), room);
  return `${[...head, rest].join(GAP).trimEnd()}\n`;
}

function whatHappened({ delivery, attempt }: WatchDeliveriesResponse): string {
  if (attempt !== undefined) return `#${attempt.number} ${resultOf(attempt)} in ${span(attempt.duration)}`;
  return delivery?.state === Delivery_State.PENDING ? 'sent again' : '';
}

const GAP = '  ';
const TIME_WIDTH = '00:00:00'.length;
const STATE_WIDTH = 'FAILED (EXHAUSTED)'.length;
const MADE_WIDTH = '#1 200 in 999 ms'.length;
