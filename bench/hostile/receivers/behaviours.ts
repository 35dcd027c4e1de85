import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { type Behaviour, forEver, head } from './behaviour.ts';

const DRIP_MS = 100;
const BOMB_BYTES = 64 * 1024 * 1024;
const OK = head('200 OK', 'content-length: 2');

/** An answer whose body is small, and huge when it is unpacked. */
function bomb(encoding: string, bytes: Buffer): Buffer {
  const fields = [`content-encoding: ${encoding}`, `content-length: ${bytes.length}`];
  return Buffer.concat([Buffer.from(head('200 OK', ...fields)), bytes]);
}

const GZIP = bomb('gzip', gzipSync(Buffer.alloc(BOMB_BYTES), { level: 9 }));
const BROTLI = bomb(
  'br',
  brotliCompressSync(Buffer.alloc(BOMB_BYTES), { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
);

const plain: readonly Behaviour[] = [
  { name: 'hang', what: 'takes the request and never answers', asked: () => {} },
  {
    name: 'unread',
    what: 'never reads a request of 900 KB',
    eventBytes: 900_000,
    connected: (socket) => void socket.pause(),
  },
  {
    name: 'drip-head',
    what: 'a header every 100 ms, for ever',
    asked(socket) {
      socket.write('HTTP/1.1 200 OK\r\n');
      forEver(socket, 'x-drip: 1\r\n', DRIP_MS);
    },
  },
  {
    name: 'drip-body',
    what: '200, then a byte every 100 ms, for ever',
    asked(socket) {
      socket.write(head('200 OK'));
      forEver(socket, '.', DRIP_MS);
    },
  },
  {
    name: 'endless-body',
    what: '200, then a body without an end, as fast as it is taken',
    asked(socket) {
      socket.write(head('200 OK'));
      forEver(socket, 'x'.repeat(65_536));
    },
  },
  {
    name: 'interim-flood',
    what: '103 again and again',
    asked: (socket) => forEver(socket, head('103 Early Hints', 'link: </x>')),
  },
  {
    name: 'header-flood',
    what: 'headers without an end',
    asked(socket) {
      socket.write('HTTP/1.1 200 OK\r\n');
      forEver(socket, 'x-flood: yyyyyyyyyyyyyyyy\r\n');
    },
  },
  {
    name: 'trailer-flood',
    what: 'trailers without an end',
    asked(socket) {
      socket.write(`${head('200 OK', 'transfer-encoding: chunked')}0\r\n`);
      forEver(socket, 'x-flood: yyyyyyyyyyyyyyyy\r\n');
    },
  },
  {
    name: 'extension-flood',
    what: 'a chunk whose extensions have no end',
    asked(socket) {
      socket.write(`${head('200 OK', 'transfer-encoding: chunked')}3`);
      forEver(socket, ';x=yyyyyyyyyyyyyyyy');
    },
  },
  {
    name: 'gzip-bomb',
    what: 'gzip: 64 MiB in 64 KB',
    asked: (socket) => void socket.write(GZIP),
  },
  {
    name: 'brotli-bomb',
    what: 'brotli: 64 MiB in less than a kilobyte',
    asked: (socket) => void socket.write(BROTLI),
  },
  {
    name: 'short-body',
    what: 'a body shorter than its content-length',
    asked: (socket) => void socket.end(`${head('200 OK', 'content-length: 100')}short`),
  },
  {
    name: 'long-body',
    what: 'more than its content-length',
    asked: (socket) => void socket.write(`${OK}${'x'.repeat(10_000)}`),
  },
  {
    name: 'two-lengths',
    what: 'two lengths that differ',
    asked: (socket) => void socket.write(`${head('200 OK', 'content-length: 2', 'content-length: 3')}abc`),
  },
  { name: 'reset', what: 'resets the connection', asked: (socket) => void socket.resetAndDestroy() },
  {
    name: 'reset-at-once',
    what: 'resets the connection as soon as it is made',
    connected: (socket) => void socket.resetAndDestroy(),
  },
  { name: 'hang-up', what: 'hangs up without an answer', asked: (socket) => void socket.end() },
  {
    name: 'banner',
    what: 'speaks first, as SSH does, and waits',
    connected: (socket) => void socket.write('SSH-2.0-OpenSSH_9.6\r\n'),
    asked: () => {},
  },
  {
    name: 'http2',
    what: 'answers in HTTP/2',
    asked: (socket) => void socket.write(Buffer.from('000000040000000000', 'hex')),
  },
  {
    name: 'redirect-loop',
    what: 'redirects to itself',
    asked: (socket) => void socket.write(head('302 Found', 'location: /', 'content-length: 0')),
  },
];

const tls: readonly Behaviour[] = [
  { name: 'tls', what: 'TLS as it should be', certificate: 'good' },
  {
    name: 'tls-stall',
    what: 'TLS: says nothing in the handshake',
    pretendsTls: true,
    connected: (socket) => void socket.resume(),
  },
  {
    name: 'tls-plain',
    what: 'TLS: speaks plain HTTP',
    pretendsTls: true,
    connected: (socket) => void socket.once('data', () => socket.write(head('400 Bad Request'))).resume(),
  },
  {
    name: 'tls-hang-up',
    what: 'TLS: hangs up in the handshake',
    pretendsTls: true,
    connected: (socket) => void socket.once('data', () => socket.end()).resume(),
  },
  { name: 'tls-expired', what: 'TLS: a certificate that has expired', certificate: 'expired' },
  { name: 'tls-other-name', what: 'TLS: a certificate for another host', certificate: 'otherName' },
  { name: 'tls-self-signed', what: 'TLS: a certificate that it signed itself', certificate: 'selfSigned' },
];

export const BEHAVIOURS: readonly Behaviour[] = [...plain, ...tls];
