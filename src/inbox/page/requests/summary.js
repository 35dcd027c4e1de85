import { headerOf } from './header.js';
import { readStart } from './json-start.js';

/** What of the data is put into a row, which has room for less. */
const DATA_CHARS_MAX = 240;
/** What an event says about itself beside its data: a list has type and time anyway. */
const ENVELOPE = new Set(['type', 'timestamp', 'specversion', 'id', 'source', 'time', 'datacontenttype']);

/**
 * What tells a request from the next one in a list: `type`, the type of the event in it, or undefined; and
 * `data`, the first of what it says. `quiet` where `data` is a word of ours rather than the sender's.
 *
 * It goes by the preview, which is the beginning of a body, so JSON is read as far as it goes.
 */
export function summarize(request) {
  const { preview, bytes, refused } = request;
  const contentType = headerOf(request, 'content-type');
  // CloudEvents in binary mode: the type is a header, percent-encoded, and the body is the data.
  const typeHeader = decoded(headerOf(request, 'ce-type'));
  const said = (type, data, quiet = false) => ({ type, data: short(data), quiet });
  if (refused !== null) return said(typeHeader, refused);
  if (bytes === 0) return said(typeHeader, 'no body', true);
  if (preview === null) return said(typeHeader, contentType ?? 'binary', true);
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType ?? '')) {
    return said(typeHeader, pairs([...new URLSearchParams(preview)]));
  }
  const start = readStart(preview);
  if (start === undefined) return said(typeHeader, preview);

  const { value, isCut } = start;
  const end = isCut ? '…' : '';
  const type = typeOf(value);
  if (typeHeader !== undefined || type === undefined) return said(typeHeader, outer(value) + end || preview);
  const data = value.members.find(([name]) => name === 'data')?.[1];
  const rest = value.members.filter(([name]) => !ENVELOPE.has(name));
  const text = (data === undefined ? outer({ members: rest }) : outer(data)) + end;
  return text === '' ? said(type, 'no data', true) : said(type, text);
}

/** The `type` of the standard envelope and of structured CloudEvents. */
function typeOf({ members }) {
  const value = members?.find(([name]) => name === 'type')?.[1];
  return value?.isText && value.text !== '' ? value.text : undefined;
}

/** A value without the brackets around it, which say nothing. */
function outer(value) {
  if (value.members !== undefined) return pairs(value.members.map(([name, each]) => [name, inner(each)]));
  if (value.items !== undefined) return value.items.map(inner).join(', ');
  return value.text;
}

function inner(value) {
  if (value.members !== undefined) return `{${outer(value)}}`;
  if (value.items !== undefined) return `[${outer(value)}]`;
  return value.text;
}

const pairs = (all) => all.map(([name, value]) => `${name}: ${value}`).join(', ');

/** Cut, but not within a character. */
function short(text) {
  if (text.length <= DATA_CHARS_MAX) return text;
  return `${text.slice(0, DATA_CHARS_MAX).replace(/[\ud800-\udbff]$/, '')}…`;
}

function decoded(header) {
  if (header === undefined) return undefined;
  try {
    return decodeURIComponent(header) || undefined;
  } catch {
    return header;
  }
}
