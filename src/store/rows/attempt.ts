/** Between attempts and their rows. Rows are kept short: there are more attempts than anything else. */
import type { Attempt, ErrorClass, Outcome, Timing } from '../../domain/delivery/attempt.ts';
import { readHeaders, URL_NAME, writeHeaders } from './attempt-headers.ts';
import { NO_BYTES } from './bytes.ts';
import { ATTEMPT, type AttemptRow } from './tables.ts';

/** Parts of `facts`. A message comes last, since it can hold anything. */
const BETWEEN = '|';

/** `body` is a copy of the answer's body that may cross to the worker. */
export function toAttemptRow(
  { number, requestHeaders, url, outcome }: Attempt,
  id: string,
  body: Uint8Array,
): AttemptRow {
  const answered = outcome.kind === 'answered';
  const sent = url === undefined ? requestHeaders : [...requestHeaders, URL_NAME, url];
  const headers = writeHeaders(sent, answered ? outcome.headers : {}, id);
  return [number, factsOf(outcome), headers, body.length === 0 ? null : body];
}

/** `id` is the delivery's. Headers and body that were erased are read as none. */
export function fromAttemptRow(row: AttemptRow, id: string): Attempt {
  const { at } = ATTEMPT;
  const { sent, received } = readHeaders(row[at.headers], id);
  const outcome = outcomeOf(row[at.facts], received, row[at.body] ?? NO_BYTES);
  const last = sent.length - 2;
  if (sent[last] !== URL_NAME) return { number: row[at.number], requestHeaders: sent, outcome };
  return { number: row[at.number], requestHeaders: sent.slice(0, last), url: sent[last + 1]!, outcome };
}

/** When an attempt began, and the status code of its answer: 0 when there was none. */
export function gistOf(facts: string): { readonly at: number; readonly status: number } {
  const parts = facts.split(BETWEEN, STATUS_PART + 1);
  return { at: Number(parts[0]), status: Number(parts[STATUS_PART]) };
}

/** Where the status code is in `facts`: after the times and the address. */
const STATUS_PART = 8;

/** Times are written in whole microseconds: nothing here is more exact than that. */
function factsOf(outcome: Outcome): string {
  const { startedAt, durationMs, remoteAddress = '' } = outcome;
  const { dnsMs, connectMs, tlsMs, waitMs, readMs } = outcome.timing;
  const times =
    `${startedAt}|${micros(durationMs)}|${micros(dnsMs)}|${micros(connectMs)}|${micros(tlsMs)}` +
    `|${micros(waitMs)}|${micros(readMs)}|${remoteAddress}`;
  if (outcome.kind === 'failed') return `${times}||${outcome.errorClass}|${outcome.message}`;
  const { status, truncated, bodyFault } = outcome;
  const answer = `${times}|${status}|${truncated ? 1 : ''}`;
  return bodyFault === undefined ? answer : `${answer}|${bodyFault.errorClass}|${bodyFault.message}`;
}

function outcomeOf(facts: string, headers: Readonly<Record<string, string>>, body: Uint8Array): Outcome {
  const [startedAt, duration, dns, connect, tls, wait, read, remoteAddress, status, last, ...rest] =
    facts.split(BETWEEN);
  const timing: Timing = {
    ...time('dnsMs', dns),
    ...time('connectMs', connect),
    ...time('tlsMs', tls),
    ...time('waitMs', wait),
    ...time('readMs', read),
  };
  const tried = {
    startedAt: Number(startedAt),
    durationMs: Number(duration) / 1000,
    timing,
    ...(remoteAddress && { remoteAddress }),
  };
  if (status) {
    const truncated = last === '1';
    const answer = { kind: 'answered', status: Number(status), headers, body, truncated, ...tried } as const;
    const [errorClass, ...message] = rest;
    if (errorClass === undefined) return answer;
    return {
      ...answer,
      bodyFault: { errorClass: errorClass as ErrorClass, message: message.join(BETWEEN) },
    };
  }
  return { kind: 'failed', errorClass: last as ErrorClass, message: rest.join(BETWEEN), ...tried };
}

function micros(ms: number | undefined): number | '' {
  return ms === undefined ? '' : Math.round(ms * 1000);
}

function time<Name extends keyof Timing>(name: Name, micros: string | undefined): { [N in Name]?: number } {
  return micros ? ({ [name]: Number(micros) / 1000 } as { [N in Name]?: number }) : {};
}
