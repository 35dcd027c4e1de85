/** An element of the page by its id. */
export const byId = (id) => document.getElementById(id);

/** A new element. Its content is always text: what strangers send must never become markup. */
export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
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

/** Makes each button with `data-copy` copy the text of the element it names. */
export function wireCopyButtons() {
  for (const button of document.querySelectorAll('[data-copy]')) {
    const label = button.textContent;
    button.addEventListener('click', () => {
      void copy(byId(button.dataset.copy)).then((said) => {
        button.textContent = said;
        setTimeout(() => {
          button.textContent = label;
        }, 1500);
      });
    });
  }
}

async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
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
