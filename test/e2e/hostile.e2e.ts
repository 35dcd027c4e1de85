import assert from 'node:assert/strict';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { connectCall } from '../support/call.ts';
import { type CarillonProcess, startCarillon } from '../support/server.ts';

/** How long an answer to bad input is waited for; some deserve none. */
const LISTEN_MS = 150;
const DEPTH = 100_000;
const REGISTER = '/carillon.v1.WebhookService/Register';
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

const SETTINGS = frame(4, 0, 0);
const nested = '['.repeat(DEPTH) + ']'.repeat(DEPTH);
const labels = `{"webhook":${'{"labels":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}}`;

/** What is written to a connection of its own, in order. */
const INPUTS: readonly (readonly [what: string, bytes: string | Buffer])[] = [
  ['nothing at all', ''],
  ['one byte', 'P'],
  ['half of the HTTP/2 preface', PREFACE.slice(0, 9)],
  [
    'bytes of no protocol',
    Buffer.from(Array.from({ length: 65_536 }, (_, i) => (i * 7_919 + (i >> 3)) & 0xff)),
  ],
  ['a TLS handshake', Buffer.from('16030100c8010000c40303', 'hex')],
  ['a request line without an end', `GET /${'a'.repeat(1_000_000)}`],
  ['a header of a megabyte', `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(1_000_000)}\r\n\r\n`],
  ['twenty thousand headers', `GET / HTTP/1.1\r\nhost: localhost\r\n${'x: 1\r\n'.repeat(20_000)}\r\n`],
  ['a method that does not exist', 'FROBNICATE / HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ['a version that does not exist', 'GET / HTTP/9.9\r\nhost: localhost\r\n\r\n'],
  ['a request without a host', 'GET / HTTP/1.1\r\n\r\n'],
  ['a negative length', post(REGISTER, '{}', 'content-length: -1')],
  ['two lengths that differ', post(REGISTER, '{}', 'content-length: 2\r\ncontent-length: 3')],
  ['a length beside chunks', post(REGISTER, '0\r\n\r\n', 'content-length: 5\r\ntransfer-encoding: chunked')],
  ['a chunk of no size', post(REGISTER, 'zz\r\n{}\r\n0\r\n\r\n', 'transfer-encoding: chunked')],
  ['a chunk of too many digits', post(REGISTER, `${'f'.repeat(40)}\r\n`, 'transfer-encoding: chunked')],
  ['half of a body', post(REGISTER, '{"webhook":', 'content-length: 1000')],
  ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n'],
  ['an upgrade', 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
  ['expectations', post(REGISTER, '', 'content-length: 2\r\nexpect: the-unexpected')],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ['a path that is no URL', 'POST http://[ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n'],
  [
    'a path with bad escapes',
    'GET /webhooks/%zz%00%ff?page_size=%E0%A4%A HTTP/1.1\r\nhost: localhost\r\n\r\n',
  ],
  ['a way out of the inbox', 'GET /inbox/~/../../../package.json HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ['JSON a hundred thousand arrays deep', json(REGISTER, nested)],
  ['JSON a hundred thousand objects deep', json(REGISTER, labels)],
  ['the same for the plain face', json('/webhooks', nested)],
  ['JSON that is not UTF-8', json(REGISTER, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]))],
  ['JSON with half a surrogate', json('/webhooks', '{"name":"\\ud800","destination":"http://127.0.0.1/"}')],
  ['a name of the prototype', json('/webhooks', '{"__proto__":{"name":"x"},"constructor":1}')],
  ['a number out of all bounds', json('/webhooks', '{"name":"a","limits":{"concurrency":1e999}}')],
  ['a small body that unpacks to a large one', gzipped(REGISTER, Buffer.alloc(64 * 1024 * 1024, 0x20))],
  ['compression that is none', post(REGISTER, 'notgzip', 'content-length: 7\r\ncontent-encoding: gzip')],
  [
    'gRPC-Web that promises four gigabytes',
    post(REGISTER, Buffer.from('00ffffffff00', 'hex'), 'content-length: 6', 'application/grpc-web+proto'),
  ],
  [
    'Connect GET with a broken message',
    `GET /carillon.v1.WebhookService/List?connect=v1&encoding=proto&base64=1&message=%%% HTTP/1.1\r\nhost: localhost\r\n\r\n`,
  ],
  ['HTTP/2 with bytes of no frame', Buffer.concat([Buffer.from(PREFACE), Buffer.alloc(70_000, 0xee)])],
  [
    'HTTP/2 with a frame larger than allowed',
    http2(frame(0, 0, 1, Buffer.alloc(0)), Buffer.from('ffffff0000', 'hex')),
  ],
  [
    'HTTP/2 with headers that never end',
    http2(
      frame(1, 0, 1, Buffer.alloc(1)),
      ...Array.from({ length: 2_000 }, () => frame(9, 0, 1, Buffer.alloc(1_000))),
    ),
  ],
  ['HTTP/2 with a thousand settings', http2(...Array.from({ length: 1_000 }, () => SETTINGS))],
  [
    'HTTP/2 with a thousand pings',
    http2(...Array.from({ length: 1_000 }, () => frame(6, 0, 0, Buffer.alloc(8)))),
  ],
  ['HTTP/2 that depends on itself', http2(frame(2, 0, 1, Buffer.from('0000000110', 'hex')))],
  [
    'HTTP/2 with a window that overflows',
    http2(frame(8, 0, 0, Buffer.from('7fffffff', 'hex')), frame(8, 0, 0, Buffer.from('7fffffff', 'hex'))),
  ],
];

describe('a server that is sent nonsense', () => {
  it('goes on answering, and tells nobody where in its code it went wrong', async (t) => {
    await using carillon = await startCarillon({ command: 'dev' });
    for (const [what, bytes] of INPUTS) {
      await t.test(what, async () => {
        const answer = await send(carillon, bytes);
        assert.doesNotMatch(answer, /\bat .*(?:node:|\.ts:)\S+/, 'the answer holds a stack trace');
        await assertServes(carillon);
      });
    }
    await t.test('streams that are opened and reset, over and over', async () => {
      await resetStreams(carillon.url, 2_000);
      await assertServes(carillon);
    });
    await t.test('a gRPC message that promises four gigabytes', async () => {
      const status = await grpcStatus(carillon.url, Buffer.from('00ffffffff00', 'hex'));
      assert.equal(status, '8', 'RESOURCE_EXHAUSTED');
      await assertServes(carillon);
    });
    assert.equal(carillon.output.stderr, '');
    assert.deepEqual(
      carillon.output.log.filter(({ level }) => level === 'error'),
      [],
    );
    assert.deepEqual(await carillon.stop('SIGTERM'), { code: 0, signal: null });
  });
});

/** It still keeps what it is told, over the same port. */
async function assertServes({ url }: CarillonProcess): Promise<void> {
  const webhook = { name: 'joe', destination: `${url}/inbox/joe`, schedule: { cron: '@yearly' } };
  const { webhook: kept } = await connectCall(url)('WebhookService/Register', { webhook });
  assert.ok(kept);
}

/** Writes bytes to a connection of their own, and resolves with what comes back before it goes quiet. */
function send({ port }: CarillonProcess, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(finish, LISTEN_MS);
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    // A server may well hang up on what it is sent here, while it is sent.
    socket.on('error', finish).on('close', finish);
    socket.write(bytes);
  });
}

/** The rapid reset attack (CVE-2023-44487), for a moment. */
async function resetStreams(url: string, count: number): Promise<void> {
  const session = connectHttp2(url);
  session.on('error', () => {});
  for (let i = 0; i < count && !session.destroyed; i++) {
    const stream = session.request({
      ':method': 'POST',
      ':path': REGISTER,
      'content-type': 'application/grpc',
    });
    stream.on('error', () => {});
    stream.close(constants.NGHTTP2_CANCEL);
    if (i % 100 === 0) await sleep(1);
  }
  session.destroy();
}

function grpcStatus(url: string, body: Buffer): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(url);
    const stream = session.request({
      ':method': 'POST',
      ':path': REGISTER,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const done = (headers: { 'grpc-status'?: unknown }): void => {
      if (headers['grpc-status'] === undefined) return;
      resolve(headers['grpc-status']);
      session.destroy();
    };
    stream.on('response', done).on('trailers', done).on('error', reject).resume();
    session.on('error', reject);
    stream.end(body);
  });
}

function post(path: string, body: string | Buffer, headers: string, type = 'application/json'): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\n${headers}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

function json(path: string, body: string | Buffer): Buffer {
  return post(path, body, `content-length: ${Buffer.byteLength(body)}`);
}

function gzipped(path: string, body: Buffer): Buffer {
  const packed = gzipSync(body);
  return post(path, packed, `content-length: ${packed.length}\r\ncontent-encoding: gzip`);
}

function http2(...frames: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(PREFACE), SETTINGS, ...frames]);
}

/** A frame of HTTP/2 (RFC 9113, section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
