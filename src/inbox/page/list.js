import { byId, formatBytes, showTime } from './dom.js';

const SIGNATURES = {
  checking: '',
  valid: 'signature valid',
  invalid: 'signature invalid',
  unknown: 'not checked',
  unsigned: '',
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

/** The list of requests on the left. Rows are kept and moved, so that focus and scrolling stay. */
export function createList(inbox) {
  const list = byId('requests');
  const template = byId('row').content.firstElementChild;
  /** Rows by request number. */
  const rows = new Map();

  function fill(row, request, group) {
    const link = row.firstElementChild;
    const part = (name) => link.querySelector(`.${name}`);
    link.href = `#${request.number}`;
    part('status').textContent = statusText(request.answer);
    part('status').dataset.tone = tone(request.answer);
    part('method').textContent = request.method;
    const below = request.path.slice(`/inbox/${inbox}`.length);
    part('below').textContent = below === '' ? '' : `${below} `;
    const preview = request.refused ?? request.preview ?? 'binary';
    part('preview').textContent = preview || (below === '' ? 'no body' : '');
    part('preview').classList.toggle('muted', request.refused === null && !request.preview);
    showTime(link.querySelector('time'), request.time);
    part('number').textContent = `#${request.number}`;
    part('size').textContent = formatBytes(request.bytes);
    part('signature').textContent = SIGNATURES[request.signature.state];
    part('signature').dataset.tone = request.signature.state;
    part('hung-up').textContent = request.answer.state === 'hung-up' ? 'sender hung up' : '';
    const again = group.length > 1 || request.attempt > 1;
    part('attempt').textContent = again ? `attempt ${attemptNumber(request, group)}` : '';
  }

  return {
    /** `requests` newest first. */
    show(requests, groups, selected) {
      const kept = new Set(requests.map(({ number }) => number));
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
          known = { row: template.cloneNode(true), request: undefined, size: 0 };
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
    },

    focus(number) {
      const link = rows.get(number)?.row.firstElementChild;
      link?.focus({ preventScroll: true });
      link?.scrollIntoView({ block: 'nearest' });
    },

    hasFocus: () => list.contains(document.activeElement),
  };
}
