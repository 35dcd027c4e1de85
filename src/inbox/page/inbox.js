import { createAnswer } from './answer.js';
import { createDetail } from './detail.js';
import {
  announce,
  ask,
  boundsSentence,
  byId,
  registerCommand,
  setServerTime,
  tickTimes,
  wide,
  wireCopyButtons,
} from './dom.js';
import { follow } from './feed.js';
import { wireKeys } from './keys.js';
import { createLost, lostTitle } from './lost.js';
import { createAnnouncer } from './requests/announce.js';
import { createList, groupAttempts } from './requests/list.js';
import { choose, countNew, goOn, leave, NOTHING } from './requests/reading.js';

const name = location.pathname.split('/')[2];
const url = `${location.origin}/inbox/${name}`;

/** Requests by number. Objects are replaced when they change, never altered. */
let requests = new Map();
let summary;
let bounds;
let reading = NOTHING;
let state = { kind: 'connecting' };

const list = createList(name, { onChoose: read });
const detail = createDetail();
const answer = createAnswer(name);
const announcer = createAnnouncer(announce);
const feed = follow(name, { onList, onChange, onState });
const lost = createLost(feed.tryNow);

document.title = `${name} · Carillon inbox`;
byId('name').textContent = name;
byId('url').textContent = url;
byId('send-command').textContent =
  `curl ${url} \\\n  --header 'content-type: application/json' \\\n  --data '{"hello":"world"}'`;
byId('register-command').textContent = registerCommand(name);
wireCopyButtons({ body: detail.bodyText });
tickTimes();

// ── What is read ───────────────────────────────────────────────────────────────────────────────────

/** The request that the address asks for. */
function numberInAddress() {
  const hash = /^#([1-9]\d*)$/.exec(location.hash);
  return hash === null ? undefined : Number(hash[1]);
}

const newestFirst = () => [...requests.values()].sort((a, b) => b.number - a.number);

/** Where a request stands in the list, or would stand if it had not been dropped; -1 where nothing is meant. */
function placeOf(number, shown) {
  if (number === undefined) return -1;
  const place = shown.findIndex((request) => request.number <= number);
  return place < 0 ? shown.length : place;
}

function read(number) {
  reading = choose(reading, number, requests);
  list.setCurrent(number);
  announcer.forget();
  draw();
}

/** The same, and the address says it; without an entry of history for each step. */
function goTo(number) {
  history.replaceState(null, '', `#${number}`);
  read(number);
}

/** To the newest; on a phone, to the list. */
function stopReading() {
  if (location.hash !== '') history.replaceState(null, '', location.pathname);
  const before = reading.number;
  reading = leave(requests);
  announcer.forget();
  render();
  if (wide.matches) byId('requests').parentElement.scrollTop = 0;
  else list.focus(before);
}

// ── Drawing ────────────────────────────────────────────────────────────────────────────────────────

function render() {
  if (summary === undefined) return;
  reading = goOn(reading, requests);
  const shown = newestFirst();
  // Where there is room beside the list, the newest is read until somebody chooses.
  if (reading.number === undefined && wide.matches && shown.length > 0) {
    reading = choose(reading, shown[0].number, requests);
    list.setCurrent(shown[0].number);
  }
  const { request, number, isKept } = reading;
  const groups = groupAttempts(shown);

  list.show(shown, groups, isKept ? request : undefined);
  if (request !== undefined) {
    const group = groups.get(request.webhookId) ?? [];
    detail.show(request, group.includes(request) ? group : [request], isKept);
  } else if (number !== undefined) detail.showGone(number);
  answer.show(summary.answer);
  showCounts(shown.length);

  // On a phone the list gives way to the request, and takes the focus with it.
  const gaveWay = !wide.matches && number !== undefined && list.focused() !== undefined;
  const isEmpty = shown.length === 0 && number === undefined;
  document.body.classList.toggle('is-empty', isEmpty);
  document.body.classList.toggle('is-reading', number !== undefined);
  // What is sent while the connection is lost does not show up, whatever is said here otherwise.
  byId('empty').hidden = !isEmpty || state.kind === 'lost';
  byId('empty-title').textContent =
    summary.received === 0 ? 'Nothing has rung yet' : 'Nothing is here any more';
  byId('detail').hidden = number === undefined;
  if (gaveWay) byId('back').focus();
}

function showCounts(kept) {
  const fresh = countNew(reading, requests);
  for (const button of document.querySelectorAll('.fresh')) {
    button.hidden = fresh === 0;
    button.textContent = `${fresh} new`;
  }
  byId('count').textContent = kept.toLocaleString('en');
  byId('clear').disabled = kept === 0;
  const notes = [];
  if (summary.dropped > 0) notes.push(`${summary.dropped.toLocaleString('en')} older were dropped.`);
  if (summary.turnedAway > 0) notes.push(`${summary.turnedAway} were turned away, too many at once.`);
  byId('bounds').textContent = [...notes, boundsSentence(bounds)].join(' ');
  byId('empty-bounds').textContent = byId('bounds').textContent;
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

// ── What Carillon tells ────────────────────────────────────────────────────────────────────────────

function onState(told) {
  state = told;
  byId('live').dataset.state = told.kind;
  const words = { connecting: 'Connecting', live: 'Live', lost: lostTitle(told) };
  byId('live').textContent = words[told.kind];
  if (told.kind === 'lost') lost.show(told);
  if (told.kind === 'live') {
    lost.hide();
    if (reading.isKept) detail.retryBody();
  }
  draw();
}

function onList(told) {
  setServerTime(told.now);
  bounds = told.bounds;
  summary = told.inbox;
  requests = new Map(told.requests.map((request) => [request.number, request]));
  reading = goOn(reading, requests);
  if (reading.number === undefined && numberInAddress() !== undefined) read(numberInAddress());
  draw();
}

function onChange(told) {
  summary = told.inbox;
  if (told.request !== undefined) {
    if (!requests.has(told.request.number)) announcer.came();
    requests.set(told.request.number, told.request);
  }
  for (const number of requests.keys()) {
    if (number < summary.oldest || number > summary.received) requests.delete(number);
  }
  draw();
}

// ── What people do ─────────────────────────────────────────────────────────────────────────────────

async function clear() {
  const error = byId('clear-error');
  error.hidden = true;
  const newest = newestFirst()[0]?.number ?? 0;
  try {
    await ask(`/inbox/${name}/requests`, { method: 'DELETE' });
  } catch (cause) {
    error.textContent = `Nothing was cleared. ${cause.message}`;
    error.hidden = false;
    return;
  }
  for (const number of requests.keys()) if (number <= newest) requests.delete(number);
  stopReading();
  byId('empty-title').focus();
}

byId('clear').addEventListener('click', () => void clear());
for (const button of document.querySelectorAll('.fresh')) {
  button.addEventListener('click', () => {
    stopReading();
    list.focus(newestFirst()[0]?.number);
  });
}
byId('back').addEventListener('click', stopReading);
addEventListener('hashchange', () => {
  const number = numberInAddress();
  if (number === undefined) stopReading();
  else read(number);
});
wide.addEventListener('change', draw);

wireKeys({
  inList: () => list.focused() !== undefined,
  onStep(step) {
    const shown = newestFirst();
    const at = placeOf(list.focused() ?? reading.number, shown);
    const next = shown[Math.min(Math.max(at + step, 0), shown.length - 1)];
    if (next === undefined) return;
    // On a phone's list the keys only go along; what they led to is opened with Enter.
    if (wide.matches || reading.number !== undefined) {
      goTo(next.number);
      render();
    }
    list.focus(next.number);
  },
  onEscape() {
    if (reading.number !== undefined) stopReading();
  },
});
