/**
 * Whoever publishes, in a process of its own: a client of the API whose CPU time is not the server's. It
 * makes as many calls as it is told, so many at a time, and says how long they took.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { DeliveryService } from '../gen/carillon/v1/delivery_pb.ts';
import {
  EventService,
  type PublishRequest,
  PublishRequestSchema,
  type PublishResult,
  PublishStreamRequestSchema,
} from '../gen/carillon/v1/event_pb.ts';
import { Health } from '../gen/grpc/health/v1/health_pb.ts';
import { systemClock } from '../src/domain/clock.ts';
import { answering } from './answering.ts';
import { type Caller, openCaller, type Target, type Way } from './callers.ts';
import { createFineClock, SENT_AT } from './fine-clock.ts';
import { createHistogram, type Spans } from './histogram.ts';

export interface Load {
  readonly target: Target;
  readonly way: Way;
  /** A call for each event, for a hundred of them, one stream for all; or no event: the health of the server. */
  readonly how: 'unary' | 'batch' | 'stream' | 'bare';
  /** The type of the n-th event is this, with `.<n modulo types>` behind it if there are `types`. */
  readonly type: string;
  readonly types?: number;
  readonly events: number;
  /** Numbers begin here. */
  readonly from?: number;
  /** One after the other, this long from one to the next; as many at a time as `IN_FLIGHT` says without it. */
  readonly everyMs?: number;
}

export interface Loaded {
  readonly deliveries: number;
  readonly ms: number;
  /** From a call to its answer. */
  readonly answered: Spans;
}

export interface Listing {
  readonly target: Target;
  readonly way: Way;
  readonly pages: number;
  readonly webhookId?: string;
  readonly filter?: string;
}

/** Calls at a time, or, for a stream, events without an answer. */
const IN_FLIGHT = { unary: 64, bare: 64, batch: 4, stream: 400 } as const;
const BATCH = 100;

const fineClock = createFineClock();
const callers = new Map<string, Caller>();

/** Connections are kept, as a publisher's are. */
function callerOf(way: Way, target: Target): Caller {
  const key = `${way} ${target.native} ${target.origin}`;
  const known = callers.get(key) ?? openCaller(way, target);
  callers.set(key, known);
  return known;
}

async function load(asked: Load): Promise<Loaded> {
  fineClock.calibrate();
  const caller = callerOf(asked.way, asked.target);
  const answered = createHistogram();
  const begun = systemClock.monotonic();
  let deliveries = 0;
  if (asked.how === 'stream') {
    deliveries = await stream(caller, asked);
  } else {
    const size = asked.how === 'batch' ? BATCH : 1;
    const call = async (n: number): Promise<void> => {
      const from = systemClock.monotonic();
      deliveries += await CALLS[asked.how as keyof typeof CALLS](caller, asked, n);
      answered.add(systemClock.monotonic() - from);
    };
    if (asked.everyMs === undefined) await manyAtATime(asked, size, call);
    else await oneByOne(asked.events, asked.everyMs, call);
  }
  return { deliveries, ms: systemClock.monotonic() - begun, answered: answered.read() };
}

async function manyAtATime(asked: Load, size: number, call: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < asked.events) {
      const n = next;
      next += size;
      await call(n);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT[asked.how] }, worker));
}

async function oneByOne(count: number, everyMs: number, call: (n: number) => Promise<void>): Promise<void> {
  for (let n = 0; n < count; n++) {
    const from = systemClock.monotonic();
    await call(n);
    await sleep(Math.max(0, everyMs - (systemClock.monotonic() - from)));
  }
}

const CALLS = {
  async unary(caller: Caller, asked: Load, n: number): Promise<number> {
    const answer = await caller.unary(EventService.method.publish, requestOf(asked, n));
    return answer.deliveryCount;
  },
  async batch(caller: Caller, asked: Load, n: number): Promise<number> {
    const count = Math.min(BATCH, asked.events - n);
    const requests = Array.from({ length: count }, (_, i) => requestOf(asked, n + i));
    const { results } = await caller.unary(EventService.method.publishBatch, { requests });
    return results.reduce((sum, result) => sum + deliveriesOf(result), 0);
  },
  async bare(caller: Caller): Promise<number> {
    await caller.unary(Health.method.check, {});
    return 0;
  },
};

async function stream(caller: Caller, asked: Load): Promise<number> {
  const calls = caller.publishStream();
  let deliveries = 0;
  let sent = 0;
  let failure: unknown;
  const send = (): void => {
    const request = requestOf(asked, sent++);
    calls.send(create(PublishStreamRequestSchema, { request }));
    if (sent === asked.events) calls.end();
  };
  calls.onAnswer(({ result }) => {
    try {
      deliveries += deliveriesOf(result);
    } catch (error) {
      failure ??= error;
    }
    if (sent < asked.events) send();
  });
  while (sent < Math.min(asked.events, IN_FLIGHT.stream)) send();
  await calls.ended;
  if (failure !== undefined) throw failure;
  return deliveries;
}

function deliveriesOf(result: PublishResult | undefined): number {
  if (result?.result.case === 'response') return result.result.value.deliveryCount;
  throw new Error(`an event was refused: ${result?.result.value?.message}`);
}

/** About as much as the greeting of a run. */
function requestOf({ type, types, from = 0, everyMs }: Load, n: number): PublishRequest {
  const number = from + n;
  return create(PublishRequestSchema, {
    event: {
      type: types === undefined ? type : `${type}.${number % types}`,
      data: { case: 'text', value: `{"order":${1_000_000 + number},"paid":true}` },
      contentType: 'application/json',
      headers: everyMs === undefined ? {} : { [SENT_AT]: fineClock.now().toFixed(3) },
    },
  });
}

/** Reads pages of fifty, one after the other, from the newest on, and begins anew after the last. */
async function list({ target, way, pages, webhookId, filter }: Listing): Promise<Spans> {
  const caller = callerOf(way, target);
  const spans = createHistogram();
  const parts = [
    ...(webhookId === undefined ? [] : [`webhook_id = ${webhookId}`]),
    ...(filter ? [filter] : []),
  ];
  const whole = parts.join(' AND ');
  let pageToken = '';
  for (let i = 0; i < pages; i++) {
    const from = systemClock.monotonic();
    const page = await caller.unary(DeliveryService.method.listDeliveries, { filter: whole, pageToken });
    spans.add(systemClock.monotonic() - from);
    if (page.deliveries.length === 0) throw new Error('a page is empty');
    pageToken = page.nextPageToken;
  }
  return spans.read();
}

/** Closes the connections to a server. */
function leave(target: Target): void {
  for (const [key, caller] of callers) {
    if (!key.endsWith(` ${target.native} ${target.origin}`)) continue;
    caller.close();
    callers.delete(key);
  }
}

answering({ load, list, leave });
