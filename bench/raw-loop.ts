/**
 * What everything is compared with: POSTs by undici's `dispatch` over kept connections, and nothing
 * else. In a process of its own, whose CPU time is all the loop's.
 */
import { Agent, type Dispatcher } from 'undici';
import { systemClock } from '../src/domain/clock.ts';
import { answering } from './answering.ts';

export interface RawRun {
  readonly origin: string;
  readonly bodyBytes: number;
  readonly ms: number;
  /** Requests a second, evenly; as many as go with `IN_FLIGHT` at a time without it. */
  readonly perSecond?: number;
}

export interface RawResult {
  readonly requests: number;
  readonly cpuUs: number;
  readonly ms: number;
}

const IN_FLIGHT = 64;
const agent = new Agent({ connections: IN_FLIGHT, pipelining: 1 });

function run({ origin, bodyBytes, ms, perSecond }: RawRun): Promise<RawResult> {
  const body = new Uint8Array(bodyBytes).fill(0x61);
  const headers = ['content-type', 'text/plain; charset=utf-8'];
  const options: Dispatcher.DispatchOptions = { origin, path: '/raw', method: 'POST', headers, body };
  const { promise, resolve, reject } = Promise.withResolvers<RawResult>();
  const before = process.cpuUsage();
  const begun = systemClock.monotonic();
  let started = 0;
  let requests = 0;
  let inFlight = 0;

  function send(): void {
    started++;
    inFlight++;
    agent.dispatch(options, {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd() {
        requests++;
        inFlight--;
        goOn();
      },
      onResponseError: (_controller, error) => reject(error),
    });
  }

  function goOn(): void {
    const over = systemClock.monotonic() - begun >= ms;
    if (!over && perSecond === undefined) send();
    if (over && inFlight === 0) finish();
  }

  function pace(rate: number): void {
    const elapsed = systemClock.monotonic() - begun;
    while (started < (Math.min(elapsed, ms) / 1000) * rate) send();
    if (elapsed < ms) setTimeout(pace, 1, rate);
    else if (inFlight === 0) finish();
  }

  function finish(): void {
    const { user, system } = process.cpuUsage(before);
    resolve({ requests, cpuUs: user + system, ms: systemClock.monotonic() - begun });
  }

  if (perSecond === undefined) for (let i = 0; i < IN_FLIGHT; i++) send();
  else pace(perSecond);
  return promise;
}

answering({ run });
