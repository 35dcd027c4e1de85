import { createBodyCard } from './body/card.js';
import { byId, cut, element, formatBytes, formatMs, plural, showTime } from './dom.js';
import { headerOf } from './requests/header.js';
import { attemptNumber, statusText, tone } from './requests/list.js';
import { summarize } from './requests/summary.js';

/** What is shown at once of a header's value or of a path, in characters. */
const LONG_CHARS = 600;

/** A time of day, as the browser's owner reads it. */
const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hour12: false,
});

/** One request on the right: what it was, what it was answered, its body and its headers. */
export function createDetail() {
  const body = createBodyCard();
  let shown;
  let shownSiblings;

  return {
    /**
     * Shows a request and the attempts of its delivery, oldest first; fetches its body when it is another. One
     * that Carillon has dropped stays, as the page has it.
     */
    show(request, group, isKept) {
      byId('gone').hidden = true;
      byId('shown').hidden = false;
      byId('dropped').hidden = isKept;
      byId('download').hidden = !isKept;
      const another = shown?.number !== request.number || shown.time !== request.time;
      // What has not changed is left alone: what is focused or selected in it stays so.
      const siblings = group.map(({ number, answer }) => `${number} ${answer.state}`).join();
      if (shown === request && siblings === shownSiblings) return;
      shown = request;
      shownSiblings = siblings;
      showFacts(request, group);
      if (!another) return;
      showHeaders(request);
      byId('detail').scrollTop = 0;
      body.show(request);
    },

    /** A request that the page has not got. */
    showGone(number) {
      shown = undefined;
      byId('shown').hidden = true;
      byId('gone').hidden = false;
      byId('gone').textContent = `Request ${number} is no longer kept, or has not come yet.`;
    },

    /** Fetches the body where it could not be before. */
    retryBody: body.retry,
    bodyText: body.text,
  };
}

function showFacts(request, group) {
  byId('request-line').replaceChildren(
    element('b', '', request.method),
    ' ',
    cut(element('bdi'), request.path, LONG_CHARS),
  );
  const chips = [signatureChip(request.signature), answerChip(request.answer)];
  if (request.refused !== null) chips.unshift(['bad', `Refused. ${request.refused}`]);
  byId('chips').replaceChildren(
    ...chips.map(([toneName, text]) => {
      const chip = element('li', 'chip', text);
      chip.dataset.tone = toneName;
      return chip;
    }),
  );

  const time = element('time');
  showTime(time, request.time, true);
  const received = element('span', '', `${CLOCK.format(new Date(request.time))}, `);
  received.append(time);
  const { type } = summarize(request);
  byId('facts').replaceChildren(
    ...(type === undefined ? [] : [fact('Type', element('bdi', '', type))]),
    fact('Received', received),
    fact('Size', formatBytes(request.bytes)),
    fact('Number', `#${request.number}`),
    fact('Protocol', `HTTP/${request.httpVersion}`),
  );
  byId('download').href = request.bodyUrl;
  byId('content-type').textContent = headerOf(request, 'content-type') ?? '';

  const attempts = byId('attempts');
  attempts.hidden = group.length < 2;
  cut(byId('delivery'), request.webhookId ?? '', LONG_CHARS);
  byId('attempt-list').replaceChildren(
    ...group.map((each) => {
      const link = element('a', '', `Attempt ${attemptNumber(each, group)}`);
      link.href = `#${each.number}`;
      if (each === request) link.setAttribute('aria-current', 'true');
      const status = element('span', 'status', statusText(each.answer));
      status.dataset.tone = tone(each.answer);
      link.append(status);
      const item = element('li');
      item.append(link);
      return item;
    }),
  );
}

function fact(term, ...content) {
  const pair = element('div');
  const description = element('dd');
  description.append(...content);
  pair.append(element('dt', '', term), description);
  return pair;
}

function showHeaders({ headers }) {
  byId('header-count').textContent = plural(headers.length, 'field');
  byId('headers').tBodies[0].replaceChildren(
    ...headers.map(([name, value]) => {
      const row = element('tr');
      const head = element('th', '', name);
      head.scope = 'row';
      row.append(head, cut(element('td'), value, LONG_CHARS));
      return row;
    }),
  );
}

function signatureChip({ state, reason }) {
  switch (state) {
    case 'valid':
      return ['ok', 'Signature valid'];
    case 'invalid':
      return ['bad', `Signature invalid: ${reason}`];
    case 'unknown':
      return ['plain', `Signature not checked: ${reason}`];
    case 'checking':
      return ['wait', 'Checking the signature'];
    default:
      return ['plain', 'Not signed'];
  }
}

function answerChip(answer) {
  const after = answer.delayMs > 0 ? ` after ${formatMs(answer.delayMs)}` : '';
  const retry = answer.retryAfter === null ? '' : `, Retry-After ${answer.retryAfter} s`;
  if (answer.state === 'waiting') return ['wait', `Will be answered ${answer.status}${after}${retry}`];
  if (answer.state === 'hung-up') return ['bad', 'The sender hung up before the answer'];
  return [tone(answer), `Answered ${answer.status}${after}${retry}`];
}
