import { byId, element, formatBytes, wide } from '../dom.js';
import { headerOf } from '../requests/header.js';
import { blocksOf } from './blocks.js';
import { readBody } from './read.js';

/** What is shown of a long body before somebody asks for all of it, in characters. */
const SHOWN_CHARS_MAX = 64 * 1024;

/** How long the bytes may take to come. */
const FETCH_MS_MAX = 20_000;

/** The body of the request that is read: pretty, raw or as bytes. */
export function createBodyCard() {
  const pre = byId('body');
  /** The request whose body is shown. */
  let request;
  /** Its body, as `readBody` gives it, and its bytes; undefined until they have come. */
  let body;
  /** Whether the bytes did not come, and may on another try. */
  let failed = false;
  /** Makes the lines of the view that is shown. */
  let lines = () => [];
  /** The view that was chosen last; used wherever it can be. */
  let chosen = 'pretty';

  function show() {
    const { bytes, binary, pretty } = body;
    const radio = (view) => document.querySelector(`#views [value=${view}]`);
    radio('pretty').disabled = pretty === undefined;
    let view = chosen;
    if (view === 'pretty' && pretty === undefined) view = binary ? 'hex' : 'raw';
    radio(view).checked = true;

    const notes = [];
    if (bytes.length < request.bytes && bytes.length > 0) {
      notes.push(`Only the first ${formatBytes(bytes.length)} of ${formatBytes(request.bytes)} were kept.`);
    }
    if (view === 'raw' && binary) notes.push('These bytes are not text; see Hex for what they are.');
    byId('body-note').textContent = notes.join(' ');
    byId('body-note').hidden = notes.length === 0;

    pre.className = view;
    byId('body-scroll').scrollTop = 0;
    lines = view === 'hex' ? () => body.hex(wide.matches ? 16 : 8) : body[view];
    if (bytes.length > 0) layOut();
    else say('No body');
  }

  /** Lays out the beginning of what there is, and the rest of it when somebody asks. */
  function layOut() {
    const blocks = blocksOf(lines());
    const rest = byId('rest');
    pre.replaceChildren(take(blocks, SHOWN_CHARS_MAX));
    const next = blocks.next();
    rest.hidden = next.done;
    byId('show-rest').onclick = () => {
      rest.hidden = true;
      pre.append(blockNode(next.value), take(blocks, Number.POSITIVE_INFINITY));
      byId('body-scroll').focus();
    };
  }

  function say(text) {
    byId('rest').hidden = true;
    pre.replaceChildren(element('span', 'muted', text));
  }

  async function load() {
    const wanted = request;
    body = undefined;
    failed = false;
    lines = () => [];
    byId('body-note').hidden = true;
    say('');
    let bytes = new Uint8Array();
    if (wanted.keptBytes > 0) {
      try {
        const response = await fetch(wanted.bodyUrl, {
          cache: 'no-store',
          signal: AbortSignal.timeout(FETCH_MS_MAX),
        });
        if (!response.ok) {
          if (request === wanted) say('The body is no longer kept.');
          return;
        }
        bytes = new Uint8Array(await response.arrayBuffer());
      } catch {
        if (request !== wanted) return;
        failed = true;
        say('The body has not come: Carillon does not answer. It is fetched when Carillon is back.');
        return;
      }
    }
    // Another request may have been chosen in the meantime.
    if (request !== wanted) return;
    const type = headerOf(wanted, 'content-type') ?? '';
    body = { bytes, ...readBody(bytes, type, bytes.length === wanted.bytes) };
    show();
  }

  byId('views').addEventListener('change', ({ target }) => {
    chosen = target.value;
    if (body !== undefined) show();
  });
  wide.addEventListener('change', () => body !== undefined && pre.className === 'hex' && show());

  return {
    /** Fetches the body of another request, and shows it. */
    show(another) {
      request = another;
      void load();
    },
    /** Tries once more where the body has not come. */
    retry() {
      if (failed) void load();
    },
    /** All of the view that is shown, also what is not laid out. */
    text: () => Array.from(lines(), (line) => line.map(([, text]) => text).join('')).join('\n'),
  };
}

/** Blocks up to a number of characters. */
function take(blocks, charsMax) {
  const out = document.createDocumentFragment();
  let chars = 0;
  while (chars < charsMax) {
    const { value, done } = blocks.next();
    if (done) break;
    out.append(blockNode(value));
    chars += value.chars + value.lines;
  }
  return out;
}

function blockNode({ parts, goesOn }) {
  const node = element('span', goesOn ? 'block goes-on' : 'block');
  for (const [className, text] of parts)
    node.append(className === '' ? text : element('span', className, text));
  return node;
}
