import { request } from 'node:http';
import { connect } from 'node:http2';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { Code } from '@connectrpc/connect';
import { systemClock } from '../../../../src/domain/clock.ts';
import { type Attack, KINDS, type Target } from '../attack.ts';
import { count, type Tally } from '../tally.ts';

/** What is sent again and again, in good form as far as HTTP goes. */
interface Body {
  readonly bytes: Buffer;
  /** Of the content, over HTTP/1.1; of the messages, over gRPC. */
  readonly encoding?: string;
}

const AT_ONCE = 8;
const TIMES = 64;
const METHOD = '/carillon.v1.EventService/Publish';
const FAST = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };
const BOMB_BYTES = 64 * 1024 * 1024;
/** A little less than a message may have. */
const BIG = 4_000_000;

async function send({ kind, port, until }: Target, tally: Tally, body: Body): Promise<void> {
  const again = async (): Promise<void> => {
    while (tally.sent < TIMES && systemClock.monotonic() < until) {
      tally.sent++;
      const status = await (kind === 'shared' ? sendJson(port, body) : sendGrpc(port, body));
      count(tally.statuses, status);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, again));
}

/** One POST of JSON. Resolves with its status. */
function sendJson(port: number, { bytes, encoding }: Body): Promise<string> {
  return new Promise((resolve) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': bytes.length,
      ...(encoding !== undefined && { 'content-encoding': encoding }),
    };
    const call = request({ port, host: '127.0.0.1', method: 'POST', path: METHOD, headers, agent: false });
    call.on('response', (response) => {
      response.resume();
      resolve(`${response.statusCode}`);
    });
    call.on('error', () => resolve('no answer'));
    call.end(bytes);
  });
}

/** One call. Resolves with the name of its status. */
function sendGrpc(port: number, { bytes, encoding }: Body): Promise<string> {
  return new Promise((resolve) => {
    const session = connect(`http://127.0.0.1:${port}`);
    const over = (status: string): void => {
      resolve(status);
      session.destroy();
    };
    session.on('error', () => over('no answer'));
    const call = session.request({
      ':method': 'POST',
      ':path': METHOD,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(encoding !== undefined && { 'grpc-encoding': encoding }),
    });
    const take = (headers: { 'grpc-status'?: unknown }): void => {
      const status = headers['grpc-status'];
      if (status !== undefined) over(Number(status) === 0 ? 'OK' : (Code[Number(status)] ?? String(status)));
    };
    call
      .on('response', take)
      .on('trailers', take)
      .on('error', () => {})
      .resume();
    call.on('close', () => over(`stream closed with ${call.rstCode}`));
    const head = Buffer.alloc(5);
    head.writeUInt8(encoding === undefined ? 0 : 1);
    head.writeUInt32BE(bytes.length, 1);
    call.end(Buffer.concat([head, bytes]));
  });
}

function attack(name: string, what: string, kinds: Attack['kinds'], make: (target: Target) => Body): Attack {
  return {
    name,
    what: `${what} (${TIMES}, ${AT_ONCE} at a time)`,
    kinds,
    run: (target, tally) => send(target, tally, make(target)),
  };
}

function event(fields: string): Body {
  return { bytes: Buffer.from(`{"event":{"type":"a",${fields}}}`) };
}

/** The field 127, with a zero. */
const UNKNOWN = Buffer.of(0xf8, 0x07, 0);

/** A field of protobuf that holds bytes. */
function field(number: number, bytes: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest >= 128 ? (rest % 128) | 128 : rest);
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.of((number << 3) | 2), Buffer.from(length), bytes]);
}

/** `google.protobuf.Value` in `Value` in `Value`, so deep. */
function nestedValue(depth: number): Buffer {
  let value: Buffer = Buffer.of(0x08, 0);
  for (let i = 0; i < depth; i++) value = field(6, field(1, value));
  return value;
}

export const bodies: readonly Attack[] = [
  attack('gzip-bomb', 'gzip: 64 MiB in 64 KB', KINDS, () => ({
    bytes: gzipSync(Buffer.alloc(BOMB_BYTES, 0x20), { level: 9 }),
    encoding: 'gzip',
  })),
  attack('brotli-bomb', 'brotli: 64 MiB in less than a kilobyte', ['shared'], () => ({
    bytes: brotliCompressSync(Buffer.alloc(BOMB_BYTES, 0x20), FAST),
    encoding: 'br',
  })),
  attack('deep-json', 'JSON two million arrays deep', ['shared'], () =>
    event(`"json":${'['.repeat(BIG / 2 - 100)}${']'.repeat(BIG / 2 - 100)}`),
  ),
  attack('deep-message', 'a value ten thousand lists deep', ['native'], () => ({
    bytes: field(1, Buffer.concat([field(3, Buffer.from('a')), field(7, nestedValue(10_000))])),
  })),
  attack('huge-number', 'JSON with a number of four million digits', ['shared'], () =>
    event(`"json":${'7'.repeat(BIG)}`),
  ),
  attack('huge-string', 'JSON with a string of four megabytes, all of it escapes', ['shared'], () =>
    event(`"json":"${'\\u0041'.repeat(Math.floor(BIG / 6))}"`),
  ),
  attack('unknown-fields', 'JSON with 300,000 fields that there are not', ['shared'], () =>
    event(Array.from({ length: 300_000 }, (_, i) => `"x${i}":1`).join()),
  ),
  attack('same-field', 'JSON with one field 400,000 times', ['shared'], () =>
    event(Array.from({ length: 400_000 }, () => '"id":"a"').join()),
  ),
  attack(
    'unknown-message-fields',
    'a message with 1.3 million fields that there are not',
    ['native'],
    () => ({
      bytes: Buffer.concat(Array.from({ length: 1_300_000 }, () => UNKNOWN)),
    }),
  ),
];
