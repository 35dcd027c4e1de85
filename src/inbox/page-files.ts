import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type InboxRequest, type InboxResponse, refuse, reply } from './http.ts';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The files of `page/`; there is no other way to a file. */
const FILES = [
  'answer.js',
  'base.css',
  'body/blocks.js',
  'body/card.js',
  'body/read.js',
  'detail.css',
  'detail.js',
  'dom.js',
  'feed.js',
  'icon.svg',
  'inbox.css',
  'inbox.html',
  'inbox.js',
  'index.css',
  'index.html',
  'index.js',
  'keys.js',
  'lost.css',
  'lost.js',
  'requests/announce.js',
  'requests/header.js',
  'requests/json-start.js',
  'requests/list.css',
  'requests/list.js',
  'requests/reading.js',
  'requests/summary.js',
] as const;

export type PageFile = (typeof FILES)[number];

/** The page's files, served from memory. */
export interface Page {
  has(file: string): file is PageFile;
  /** Answers with a file, or 304 where the browser has it (RFC 9110, section 13.1.2). */
  serve(file: PageFile, req: InboxRequest, res: InboxResponse): void;
}

/** Reads the files once, from beside this module: `src` in development, `dist` when installed. */
export function openPage(): Page {
  const files = new Map(FILES.map((file) => [file as string, load(file)]));
  return {
    has: (file): file is PageFile => files.has(file),
    serve(file, req, res) {
      if (req.method !== 'GET' && req.method !== 'HEAD') {
        refuse(res, 405, 'This is a file of the inbox page; only GET it.', { allow: 'GET, HEAD' });
        return;
      }
      const { bytes, type, etag } = files.get(file)!;
      // `no-cache` is to ask each time, so that an upgrade shows at once; the answer is then a 304.
      const headers = { 'cache-control': 'no-cache', etag, vary: 'accept' };
      const known = (req.headers['if-none-match'] ?? '').split(',').some((tag) => tag.trim() === etag);
      reply(res, { status: known ? 304 : 200, type, body: bytes, headers });
    },
  };
}

function load(file: PageFile) {
  const bytes = readFileSync(new URL(`./page/${file}`, import.meta.url));
  const digest = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
  return { bytes, type: TYPES[file.slice(file.lastIndexOf('.') + 1)]!, etag: `"${digest}"` };
}
