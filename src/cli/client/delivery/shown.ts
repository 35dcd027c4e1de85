import {
  type Attempt,
  type Delivery,
  Delivery_State,
  Delivery_StateSchema,
  type Timing,
} from '../../../../gen/carillon/v1/delivery_pb.ts';
import { utf8 } from '../event/written-data.ts';
import { counted, enumName } from '../job.ts';
import type { Style } from '../style.ts';
import { type Column, card, type Paper, table } from '../table.ts';
import { plain, plainLines } from '../terminal-text.ts';
import { fromNow, inFull, span, untilThen } from '../times.ts';

/** A delivery in a list. */
export function deliveryColumns(now: number): readonly Column<Delivery>[] {
  return [
    { title: 'ID', text: ({ id }) => id },
    { title: 'CREATED', text: ({ createTime }) => fromNow(createTime, now), rank: 5 },
    { title: 'STATE', text: stateOf, style: stateStyle },
    { title: 'TRIES', text: ({ attemptCount }) => String(attemptCount), align: 'right', rank: 3 },
    { title: 'ANSWER', text: answerOf, align: 'right', rank: 4 },
    { title: 'NEXT', text: ({ nextAttemptTime }) => untilThen(nextAttemptTime, now), rank: 2 },
    { title: 'TYPE', text: ({ eventType }) => eventType, atLeast: 10, rank: 6 },
    { title: 'EVENT', text: ({ eventId }) => eventId, atLeast: 12, rank: 0 },
    { title: 'WEBHOOK', text: webhookOf, atLeast: 8, rank: 7 },
  ];
}

/** A delivery in full, without its attempts. */
export function deliveryCard(delivery: Delivery, now: number, paper: Paper): string {
  return card(
    [
      ['id', delivery.id],
      ['state', stateOf(delivery)],
      ['because', delivery.stateMessage],
      [
        'webhook',
        delivery.webhookName === '' ? delivery.webhookId : `${delivery.webhookName} (${delivery.webhookId})`,
      ],
      ['sent to', delivery.attempts.at(-1)?.requestUrl],
      ['event', delivery.eventId],
      ['type', delivery.eventType],
      ['namespace', delivery.namespace],
      ['attempts', String(delivery.attemptCount)],
      ['last answer', answerOf(delivery)],
      ['next attempt', inFull(delivery.nextAttemptTime, now)],
      ['waits for', delivery.waitsFor],
      ['run of', inFull(delivery.scheduledTime, now)],
      ['repeats', delivery.replayOf],
      ['created', inFull(delivery.createTime, now)],
      ['finished', inFull(delivery.finishTime, now)],
    ],
    paper,
  );
}

/** What its webhook is called, or its id where nobody knows any more. */
export function webhookOf({ webhookName, webhookId }: Delivery): string {
  return webhookName === '' ? webhookId : webhookName;
}

/** Its attempts, a line each; in full with headers and answers, and the body that all of them send. */
export function attemptsShown(delivery: Delivery, full: boolean, now: number, paper: Paper): string {
  const { attempts } = delivery;
  const lines = attempts.length === 0 ? '' : `\n${table(attemptColumns(now), attempts, paper)}`;
  if (!full) return lines;
  return (
    lines + requestBodyShown(delivery, paper) + attempts.map((attempt) => exchange(attempt, paper)).join('')
  );
}

function requestBodyShown({ requestBody: bytes, requestBodySize }: Delivery, { style }: Paper): string {
  if (bytes.length === 0) return '';
  const text = utf8(bytes, { mayBeCut: requestBodySize > bytes.length });
  const more = requestBodySize > bytes.length ? '…' : '';
  const shown = text === undefined ? 'it is not text; --json has it' : `${plainLines(text)}${more}`;
  return `\n${style.strong(`body (${counted(Number(requestBodySize), 'byte', 'bytes')})`)}\n${shown}\n`;
}

function attemptColumns(now: number): readonly Column<Attempt>[] {
  return [
    { title: '#', text: ({ number }) => String(number), align: 'right' },
    { title: 'BEGAN', text: ({ startTime }) => fromNow(startTime, now) },
    { title: 'RESULT', text: resultOf, style: attemptStyle, atLeast: 12 },
    { title: 'TOOK', text: ({ duration }) => span(duration), align: 'right' },
    { title: 'OF WHICH', text: ({ timing }) => timingOf(timing), atLeast: 12, rank: 0 },
    { title: 'ADDRESS', text: ({ remoteAddress }) => remoteAddress, rank: 1 },
  ];
}

/** The request's headers, and the whole answer. */
function exchange(attempt: Attempt, { style }: Paper): string {
  const headers = (of: Readonly<Record<string, string>>, mark: string) =>
    Object.entries(of).map(([name, value]) => `${style.quiet(mark)} ${plain(`${name}: ${value}`)}\n`);
  const { responseBody: bytes } = attempt;
  const text = utf8(bytes);
  const body =
    bytes.length === 0
      ? ''
      : text === undefined
        ? `${bytes.length} bytes that are not text`
        : plainLines(text);
  return [
    `\n${style.strong(`attempt ${attempt.number}`)}\n`,
    ...(attempt.requestUrl === '' ? [] : [`${style.quiet('>')} ${plain(`POST ${attempt.requestUrl}`)}\n`]),
    ...headers(attempt.requestHeaders, '>'),
    `${style.quiet('<')} ${plain(resultOf(attempt))}\n`,
    ...headers(attempt.responseHeaders, '<'),
    ...(body === '' ? [] : [`\n${body}${attempt.responseTruncated ? '…' : ''}\n`]),
  ].join('');
}

/** `200`, or why there was no answer. */
export function resultOf({ responseStatus, errorClass, errorMessage }: Attempt): string {
  if (errorClass === '') return String(responseStatus);
  const failure = `${errorClass}: ${errorMessage}`;
  return responseStatus === 0 ? failure : `${responseStatus} (${failure})`;
}

function attemptStyle({ responseStatus }: Attempt): keyof Style {
  return responseStatus >= 200 && responseStatus < 300 ? 'good' : 'bad';
}

export function stateOf({ state, stateReason }: Delivery): string {
  const name = enumName(Delivery_StateSchema, state);
  return stateReason === '' ? name : `${name} (${stateReason})`;
}

export function stateStyle({ state, attemptCount }: Delivery): keyof Style | undefined {
  switch (state) {
    case Delivery_State.SUCCEEDED:
      return 'good';
    case Delivery_State.FAILED:
      return 'bad';
    case Delivery_State.CANCELLED:
      return 'quiet';
    default:
      return attemptCount > 0 ? 'warn' : undefined;
  }
}

function answerOf({ lastResponseStatus }: Delivery): string {
  return lastResponseStatus === 0 ? '' : String(lastResponseStatus);
}

function timingOf(timing: Timing | undefined): string {
  const { dns, connect, tls, wait, read } = timing ?? {};
  return Object.entries({ dns, connect, tls, wait, read })
    .filter(([, part]) => part !== undefined)
    .map(([name, part]) => `${name} ${span(part)}`)
    .join(', ');
}
