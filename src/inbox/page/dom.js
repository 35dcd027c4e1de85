/** How long Carillon may take to answer. */
const ASK_MS_MAX = 10_000;

/** An element of the page by its id. */
export const byId = (id) => document.getElementById(id);

/** Whether there is room for the list and a request beside each other, as the style sheets have it. */
export const wide = matchMedia('(min-width: 761px)');

/** A new element. Its content is always text: what strangers send must never become markup. */
export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Asks Carillon for something; throws with a sentence for whoever asked where that was not done. */
export async function ask(path, init) {
  let response;
  try {
    response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(ASK_MS_MAX), ...init });
  } catch {
    throw new Error('Carillon does not answer.');
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new Error(said.error ?? `Carillon answers ${response.status}.`);
}

/** Fills an element with a text; of a long one with the beginning, and a button for all of it. */
export function cut(node, text, charsMax) {
  node.replaceChildren(text);
  // A little more is shown rather than hidden behind a button.
  if (text.length <= charsMax * 1.2) return node;
  const button = element('button', 'quiet', `Show all ${text.length.toLocaleString('en')} characters`);
  button.type = 'button';
  button.addEventListener('click', () => {
    node.replaceChildren(text);
    node.tabIndex = -1;
    node.focus();
  });
  node.replaceChildren(`${text.slice(0, charsMax)}… `, button);
  return node;
}

export function formatBytes(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const kib = bytes / 1024;
  if (kib < 1024) return `${kib < 10 ? kib.toFixed(1) : Math.round(kib)} KiB`;
  return `${(kib / 1024).toFixed(kib % 1024 === 0 ? 0 : 1)} MiB`;
}

export function formatMs(ms) {
  return ms < 1000 ? `${ms}\u00a0ms` : `${Number((ms / 1000).toFixed(1))}\u00a0s`;
}

export const plural = (count, noun) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

/** How far the server's clock is ahead of ours, in milliseconds. */
let ahead = 0;

export function setServerTime(now) {
  ahead = Date.parse(now) - Date.now();
}

/** A time of this machine as the server's clock shows it. */
export const serverTime = (ms) => new Date(ms + ahead).toISOString();

/** A time of this machine as its owner reads it, with the day where that is another. */
export function clockTime(ms) {
  const time = new Date(ms);
  const isToday = time.toDateString() === new Date().toDateString();
  return isToday ? time.toLocaleTimeString() : time.toLocaleString();
}

/** Tells those who listen rather than look. Seldom, so that it does not talk over what they do. */
export function announce(text) {
  byId('announce').textContent = text;
}

/** `5 s`, `3 min`, `2 h`, `4 d`: how long ago it was by the server's clock. */
function formatAgo(time) {
  const seconds = Math.max(0, Math.round((Date.now() + ahead - Date.parse(time)) / 1000));
  if (seconds < 1) return 'now';
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Shows a time as how long ago it was, kept right by `tickTimes`; in full words where there is room. */
export function showTime(node, time, inWords = false) {
  node.dateTime = time;
  node.title = new Date(time).toLocaleString();
  node.classList.toggle('in-words', inWords);
  node.textContent = timeText(node);
}

function timeText(node) {
  const ago = formatAgo(node.dateTime);
  if (!node.classList.contains('in-words')) return ago;
  return ago === 'now' ? 'just now' : `${ago} ago`;
}

/** Keeps every shown time right. */
export function tickTimes() {
  setInterval(() => {
    for (const node of document.querySelectorAll('time[datetime]')) {
      const text = timeText(node);
      if (node.textContent !== text) node.textContent = text;
    }
  }, 1000);
}

/** Makes each button with `data-copy` copy the text of the element it names, or what `texts` has for that. */
export function wireCopyButtons(texts = {}) {
  for (const button of document.querySelectorAll('[data-copy]')) {
    const label = button.textContent;
    button.addEventListener('click', () => {
      const source = byId(button.dataset.copy);
      void copy(source, texts[source.id]?.() ?? source.textContent).then((said) => {
        button.textContent = said;
        setTimeout(() => {
          button.textContent = label;
        }, 1500);
      });
    });
  }
}

async function copy(source, text) {
  try {
    await navigator.clipboard.writeText(text);
    return 'Copied';
  } catch {
    // No clipboard outside of loopback and https: select it, so that one key press copies it.
    getSelection().selectAllChildren(source);
    return 'Selected';
  }
}

/** How an inbox answers, in a few words. */
export function answerSummary(answer) {
  const delay = answer.delayMs > 0 ? ` after ${formatMs(answer.delayMs)}` : '';
  if (answer.failNext > 0) {
    return `Fails next ${answer.failNext} with ${answer.failStatus}, then ${answer.status}${delay}`;
  }
  return `Answers ${answer.status}${delay}`;
}

/** What the inbox keeps, and for how long, as the server says it. */
export function boundsSentence(bounds) {
  return (
    `Kept in memory until Carillon stops: the newest ${plural(bounds.requestsMax, 'request')} of an inbox, ` +
    `${formatBytes(bounds.totalBytesMax)} in all, in at most ${bounds.namesMax} inboxes; the oldest give way. ` +
    `Bodies up to ${formatBytes(bounds.bodyBytesMax)}, of which the first ${formatBytes(bounds.keptBytesMax)} are kept.`
  );
}

/** A command for a terminal that registers a webhook for an inbox. The name needs no quoting. */
export function registerCommand(name) {
  const webhook = JSON.stringify({ name, destination: `${location.origin}/inbox/${name}` });
  return `curl ${location.origin}/webhooks \\\n  --header 'content-type: application/json' \\\n  --data '${webhook}'`;
}
