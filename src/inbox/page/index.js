import {
  answerSummary,
  ask,
  boundsSentence,
  byId,
  plural,
  registerCommand,
  setServerTime,
  showTime,
  tickTimes,
  wireCopyButtons,
} from './dom.js';
import { createLost } from './lost.js';

/** How often the counts are read again, while somebody looks. */
const REFRESH_MS = 2000;

const input = byId('open-name');
const template = byId('row').content.firstElementChild;
/** Rows by name; kept, so that focus stays. */
const rows = new Map();

byId('prefix').textContent = `${location.host}/inbox/`;
wireCopyButtons();
tickTimes();

function showCommand() {
  byId('register-command').textContent = registerCommand(input.validity.valid ? input.value : 'joe');
}
input.addEventListener('input', showCommand);
showCommand();

byId('open').addEventListener('submit', (event) => {
  event.preventDefault();
  location.href = `/inbox/${input.value}`;
});

function show({ now, bounds, inboxes }) {
  setServerTime(now);
  byId('bounds').textContent = boundsSentence(bounds);
  byId('none').hidden = inboxes.length > 0;
  const named = new Set(inboxes.map(({ name }) => name));
  for (const [name, row] of rows) {
    if (named.has(name)) continue;
    row.remove();
    rows.delete(name);
  }
  let place = byId('inboxes').firstElementChild;
  for (const inbox of inboxes) {
    const row = rows.get(inbox.name) ?? template.cloneNode(true);
    rows.set(inbox.name, row);
    const link = row.firstElementChild;
    link.href = `/inbox/${inbox.name}`;
    link.querySelector('.name').textContent = inbox.name;
    link.querySelector('.count').textContent = plural(inbox.kept, 'request');
    const usual = inbox.answer.status < 300 && inbox.answer.failNext === 0 && inbox.answer.delayMs === 0;
    link.querySelector('.answer-summary').textContent = usual ? '' : answerSummary(inbox.answer);
    if (inbox.lastTime !== null) showTime(link.querySelector('time'), inbox.lastTime);
    if (row === place) place = place.nextElementSibling;
    else byId('inboxes').insertBefore(row, place);
  }
}

const lost = createLost(() => void refresh());
/** When it was last known to answer, and how often in a row it has not since then. */
let heardAt = Date.now();
let failures = 0;
let asking = false;

async function refresh() {
  if (document.hidden || asking) return;
  asking = true;
  try {
    const response = await ask('/inbox', { headers: { accept: 'application/json' } });
    show(await response.json());
    heardAt = Date.now();
    failures = 0;
    lost.hide();
  } catch {
    // Once is every network's; the next refresh finds it again.
    if (++failures > 1) lost.show({ since: heardAt });
  }
  asking = false;
}

setInterval(() => void refresh(), REFRESH_MS);
document.addEventListener('visibilitychange', () => void refresh());
void refresh();
