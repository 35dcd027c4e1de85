import { byId, formatBytes, showTime } from '../dom.js';
import { summarize } from './summary.js';

const SIGNATURES = {
  checking: 'checking signature',
  valid: 'signature valid',
  invalid: 'signature invalid',
  unknown: 'signature not checked',
  unsigned: 'not signed',
};

/** Which colour a status has: `ok`, `bad`, `other`, or `wait` while the answer is held back. */
export function tone({ status, state }) {
  if (state === 'waiting') return 'wait';
  if (state === 'hung-up') return 'bad';
  if (status < 300) return 'ok';
  return status < 400 ? 'other' : 'bad';
}

/** A status, or what there is in place of one. */
export function statusText({ status, state }) {
  if (state === 'waiting') return '···';
  return state === 'hung-up' ? '—' : String(status);
}

/** The requests of each delivery that came more than once, oldest first, by webhook-id. */
export function groupAttempts(requests) {
  const groups = new Map();
  for (const request of requests) {
    if (request.webhookId === null) continue;
    const group = groups.get(request.webhookId);
    if (group === undefined) groups.set(request.webhookId, [request]);
    else group.unshift(request);
  }
  return groups;
}

/** Which attempt a request is: as Carillon counts, otherwise as they arrived here. */
export const attemptNumber = (request, group) => request.attempt ?? group.indexOf(request) + 1;

/**
 * The list of requests on the left; `onChoose` is told the number of the row that was clicked. Rows are kept
 * and moved, so that focus and scrolling stay. One row can be reached with Tab, the others from there.
 */
export function createList(inbox, { onChoose }) {
  const list = byId('requests');
  const template = byId('row').content.firstElementChild;
  /** Rows by request number. */
  const rows = new Map();
  /** The row that Tab leads to. */
  let current;

  list.addEventListener('click', ({ target }) => {
    const row = target.closest('li');
    if (row !== null) onChoose(numberOf(row));
  });
  list.addEventListener('focusin', ({ target }) => setCurrent(numberOf(target.closest('li'))));

  function setCurrent(number) {
    if (number === current) return;
    const before = rows.get(current)?.row.firstElementChild;
    if (before !== undefined) before.tabIndex = -1;
    current = number;
    const link = rows.get(current)?.row.firstElementChild;
    if (link !== undefined) link.tabIndex = 0;
  }

  function fill(row, request, group) {
    const link = row.firstElementChild;
    const part = (name) => link.querySelector(`.${name}`);
    link.href = `#${request.number}`;
    part('status').textContent = statusText(request.answer);
    part('status').dataset.tone = tone(request.answer);
    const { type, data, quiet } = summarize(request);
    const below = request.path.slice(`/inbox/${inbox}`.length);
    const target = [request.method, below].filter((text) => text !== '').join(' ');
    part('type').textContent = type ?? '';
    part('target').textContent = type === undefined ? target : '';
    part('preview').textContent = data;
    part('preview').classList.toggle('quiet-text', quiet);
    showTime(link.querySelector('time'), request.time);
    part('number').textContent = `#${request.number}`;
    part('size').textContent = formatBytes(request.bytes);
    part('also').textContent = type === undefined || target === 'POST' ? '' : target;
    part('signature').textContent = SIGNATURES[request.signature.state];
    part('signature').dataset.tone = request.signature.state;
    part('hung-up').textContent = request.answer.state === 'hung-up' ? 'sender hung up' : '';
    const again = group.length > 1 || request.attempt > 1;
    part('attempt').textContent = again ? `attempt ${attemptNumber(request, group)}` : '';
  }

  function newRow(number) {
    const row = template.cloneNode(true);
    row.dataset.number = number;
    row.firstElementChild.tabIndex = number === current ? 0 : -1;
    return row;
  }

  function focus(number) {
    const link = rows.get(number)?.row.firstElementChild;
    link?.focus({ preventScroll: true });
    link?.scrollIntoView({ block: 'nearest' });
  }

  return {
    /** `requests` newest first; `selected` is the one that is read, if it is among them. */
    show(requests, groups, selected) {
      const kept = new Set(requests.map(({ number }) => number));
      const hadFocus = list.contains(document.activeElement);
      for (const [number, { row }] of rows) {
        if (kept.has(number)) continue;
        row.remove();
        rows.delete(number);
      }
      const first = rows.size === 0;
      let place = list.firstElementChild;
      for (const request of requests) {
        const group = groups.get(request.webhookId) ?? [request];
        let known = rows.get(request.number);
        if (known === undefined) {
          known = { row: newRow(request.number), request: undefined, size: 0 };
          if (!first) known.row.classList.add('new');
          rows.set(request.number, known);
        }
        if (known.request !== request || known.size !== group.length) {
          fill(known.row, request, group);
          known.request = request;
          known.size = group.length;
        }
        if (known.row === place) place = place.nextElementSibling;
        else list.insertBefore(known.row, place);

        const link = known.row.firstElementChild;
        if (request === selected) link.setAttribute('aria-current', 'true');
        else link.removeAttribute('aria-current');
        const sibling = group.length > 1 && request.webhookId === selected?.webhookId;
        known.row.classList.toggle('sibling', sibling);
      }

      if (rows.has(current)) return;
      // The row was dropped, as the oldest are: its neighbour takes its place, and the focus with it.
      const heir = requests.findLast(({ number }) => number > (current ?? 0)) ?? requests.at(-1);
      const next = hadFocus ? heir : (selected ?? requests[0]);
      setCurrent(next?.number);
      if (hadFocus && next !== undefined) focus(next.number);
    },

    focus,
    /** The number of the row that has the focus, if one has. */
    focused: () => (list.contains(document.activeElement) ? current : undefined),
    setCurrent,
  };
}

const numberOf = (row) => Number(row.dataset.number);
