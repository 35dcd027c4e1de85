import { createAnswer } from './answer.js';
import { createDetail } from './detail.js';
import { boundsSentence, byId, registerCommand, setServerTime, tickTimes, wireCopyButtons } from './dom.js';
import { follow } from './feed.js';
import { createList, groupAttempts } from './list.js';

const name = location.pathname.split('/')[2];
const url = `${location.origin}/inbox/${name}`;
const wide = matchMedia('(min-width: 761px)');

/** Requests by number. Objects are replaced when they change, never altered. */
let requests = new Map();
let summary;
let bounds;

const list = createList(name);
const detail = createDetail();
const answer = createAnswer(name);

document.title = `${name} · Carillon inbox`;
byId('name').textContent = name;
byId('url').textContent = url;
byId('send-command').textContent =
  `curl ${url} \\\n  --header 'content-type: application/json' \\\n  --data '{"hello":"world"}'`;
byId('register-command').textContent = registerCommand(name);
wireCopyButtons();
tickTimes();

/** The request that the address asks for; undefined to follow the newest. */
function chosenNumber() {
  const hash = /^#([1-9]\d*)$/.exec(location.hash);
  return hash === null ? undefined : Number(hash[1]);
}

const newestFirst = () => [...requests.values()].sort((a, b) => b.number - a.number);

function render() {
  if (summary === undefined) return;
  const shown = newestFirst();
  const groups = groupAttempts(shown);
  const number = chosenNumber();
  const selected = number === undefined ? (wide.matches ? shown[0] : undefined) : requests.get(number);

  list.show(shown, groups, selected);
  if (selected !== undefined) detail.show(selected, groups.get(selected.webhookId) ?? [selected]);
  else if (number !== undefined) detail.showGone(number);
  answer.show(summary.answer);

  const empty = shown.length === 0 && number === undefined;
  document.body.classList.toggle('is-empty', empty);
  document.body.classList.toggle('is-chosen', number !== undefined);
  byId('empty').hidden = !empty;
  byId('detail').hidden = selected === undefined && number === undefined;
  byId('clear').disabled = shown.length === 0;
  const notes = [];
  if (summary.dropped > 0) notes.push(`${summary.dropped} older were dropped.`);
  if (summary.turnedAway > 0) notes.push(`${summary.turnedAway} were turned away, too many at once.`);
  byId('bounds').textContent = [...notes, boundsSentence(bounds)].join(' ');
  byId('empty-bounds').textContent = boundsSentence(bounds);
}

/** A burst of events is drawn once. */
let drawing = false;
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    render();
  });
}

follow(name, {
  onState(state) {
    byId('live').dataset.state = state;
    byId('live').textContent = state === 'live' ? 'Live' : 'Connecting';
  },
  onList(told) {
    setServerTime(told.now);
    bounds = told.bounds;
    summary = told.inbox;
    requests = new Map(told.requests.map((request) => [request.number, request]));
    draw();
  },
  onChange(told) {
    summary = told.inbox;
    if (told.request !== undefined) requests.set(told.request.number, told.request);
    for (const number of requests.keys()) {
      if (number < summary.oldest || number > summary.received) requests.delete(number);
    }
    draw();
  },
});

byId('clear').addEventListener('click', () => {
  // The rows go when the server says that the requests have gone.
  fetch(`/inbox/${name}/requests`, { method: 'DELETE' }).catch(() => {});
  if (location.hash !== '') history.replaceState(null, '', location.pathname);
  draw();
});

addEventListener('hashchange', draw);
wide.addEventListener('change', draw);

/** Up and down through the list, as in a mail reader; Escape to follow the newest again. */
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, form, fieldset')) return;
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  if (step !== undefined && (event.key.length === 1 || list.hasFocus())) {
    const shown = newestFirst();
    const at = shown.findIndex(({ number }) => number === (chosenNumber() ?? shown[0]?.number));
    const next = shown[Math.min(Math.max(at + step, 0), shown.length - 1)];
    if (next === undefined) return;
    event.preventDefault();
    // Not one entry of history for each step.
    history.replaceState(null, '', `#${next.number}`);
    render();
    list.focus(next.number);
  } else if (event.key === 'Escape' && chosenNumber() !== undefined) {
    history.replaceState(null, '', location.pathname);
    render();
  }
});
document.querySelector('.back').addEventListener('click', () => {
  history.replaceState(null, '', location.pathname);
  render();
});
