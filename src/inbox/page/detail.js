import { hexOf, readBody } from './body.js';
import { byId, element, formatBytes, formatMs, plural, showTime } from './dom.js';
import { attemptNumber, statusText, tone } from './list.js';

const narrow = matchMedia('(max-width: 760px)');

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
  let shown;
  let shownSiblings;
  /** The body that is shown, as `readBody` gives it, and its bytes. */
  let body;
  /** The view that was chosen last; used wherever it can be. */
  let chosen = 'pretty';

  function showBody() {
    const { bytes, text, binary, pretty } = body;
    const radio = (view) => document.querySelector(`#views [value=${view}]`);
    radio('pretty').disabled = pretty === undefined;
    let view = chosen;
    if (view === 'pretty' && pretty === undefined) view = binary ? 'hex' : 'raw';
    radio(view).checked = true;

    const notes = [];
    if (bytes.length < shown.bytes && bytes.length > 0) {
      notes.push(`Only the first ${formatBytes(bytes.length)} of ${formatBytes(shown.bytes)} were kept.`);
    }
    const pre = byId('body');
    pre.className = view;
    if (bytes.length === 0) pre.replaceChildren(element('span', 'muted', 'No body'));
    else if (view === 'pretty') pre.replaceChildren(pretty());
    else if (view === 'raw') {
      pre.textContent = text;
      if (binary) notes.push('These bytes are not text; see Hex for what they are.');
    } else {
      const hex = hexOf(bytes, narrow.matches ? 8 : 16);
      pre.textContent = hex.text;
      if (hex.more) notes.push(`The first ${formatBytes(hex.shownBytes)} are shown; Save has all.`);
    }
    byId('body-note').textContent = notes.join(' ');
    byId('body-note').hidden = notes.length === 0;
  }

  async function loadBody(request) {
    const pre = byId('body');
    byId('body-note').hidden = true;
    pre.replaceChildren();
    body = undefined;
    let bytes = new Uint8Array();
    if (request.keptBytes > 0) {
      try {
        const response = await fetch(request.bodyUrl, { cache: 'no-store' });
        if (!response.ok) throw new Error(response.statusText);
        bytes = new Uint8Array(await response.arrayBuffer());
      } catch {
        if (shown?.number === request.number) pre.textContent = 'The body is no longer kept.';
        return;
      }
    }
    // Another request may have been chosen in the meantime.
    if (shown?.number !== request.number) return;
    const type = headerOf(request, 'content-type') ?? '';
    body = { bytes, ...readBody(bytes, type, bytes.length === request.bytes) };
    showBody();
  }

  byId('views').addEventListener('change', ({ target }) => {
    chosen = target.value;
    if (body !== undefined) showBody();
  });
  narrow.addEventListener('change', () => body !== undefined && showBody());

  return {
    /** Shows a request and the attempts of its delivery, oldest first; fetches its body when it is another. */
    show(request, group) {
      byId('gone').hidden = true;
      byId('shown').hidden = false;
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
      void loadBody(request);
    },

    showGone(number) {
      shown = undefined;
      byId('shown').hidden = true;
      byId('gone').hidden = false;
      byId('gone').textContent = `Request ${number} is no longer kept, or has not come yet.`;
    },
  };
}

function showFacts(request, group) {
  byId('request-line').replaceChildren(element('b', '', request.method), ` ${request.path}`);
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
  byId('facts').replaceChildren(
    fact('Received', received),
    fact('Size', formatBytes(request.bytes)),
    fact('Number', `#${request.number}`),
    fact('Protocol', `HTTP/${request.httpVersion}`),
  );
  byId('download').href = request.bodyUrl;
  byId('content-type').textContent = headerOf(request, 'content-type') ?? '';

  const attempts = byId('attempts');
  attempts.hidden = group.length < 2;
  byId('delivery').textContent = request.webhookId ?? '';
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
      row.append(head, element('td', '', value));
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

function headerOf({ headers }, name) {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1];
}
