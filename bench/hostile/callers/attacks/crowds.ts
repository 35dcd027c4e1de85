import { systemClock } from '../../../../src/domain/clock.ts';
import { type Attack, KINDS, type Target } from '../attack.ts';
import { FLAG, frame, grpcHead, TYPE } from '../frames.ts';
import { type Line, openLine } from '../line.ts';
import type { Tally } from '../tally.ts';

const INITIAL_WINDOW = 4;
/** Connections that are being opened at once. */
const AT_ONCE = 50;
const UNARY = grpcHead('/carillon.v1.EventService/Publish');
const REFLECTION = grpcHead('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo');
/** Of the gRPC message that asks for the file with this service. */
const SYMBOL = Buffer.from('carillon.v1.WebhookService');

/** Keeps connections until the time is over. */
async function hold(
  { port, until }: Target,
  tally: Tally,
  connections: number,
  how: { http2?: readonly (readonly [number, number])[]; deaf?: boolean; written: Buffer | string },
): Promise<void> {
  const { written, ...options } = how;
  const lines: Line[] = [];
  const open = async (): Promise<void> => {
    while (tally.sent < connections && systemClock.monotonic() < until) {
      tally.sent++;
      const line = await openLine({ port, tally, ...options });
      lines.push(line);
      if (written.length > 0) await line.write(written);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, open));
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, until - systemClock.monotonic())));
  for (const line of lines) line.hear();
  await Promise.all(lines.map((line) => line.settle()));
}

function streams(count: number, written: (stream: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => written(2 * i + 1)));
}

const GET = 'GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n';
const ask = Buffer.concat([Buffer.of(0, 0, 0, 0, SYMBOL.length + 2, 0x22, SYMBOL.length), SYMBOL]);

export const crowds: readonly Attack[] = [
  {
    name: 'many-streams',
    what: '1,000 calls on each of 20 connections, of which no message comes',
    kinds: KINDS,
    run: (target, tally) =>
      hold(target, tally, 20, {
        http2: [],
        written: streams(1_000, (stream) => frame(TYPE.headers, FLAG.endHeaders, stream, UNARY)),
      }),
  },
  {
    name: 'zero-window',
    what: 'answers that may not be sent (window 0), 500 on each of 20 connections',
    kinds: KINDS,
    run: (target, tally) =>
      hold(target, tally, 20, {
        http2: [[INITIAL_WINDOW, 0]],
        written: streams(500, (stream) =>
          Buffer.concat([
            frame(TYPE.headers, FLAG.endHeaders, stream, REFLECTION),
            frame(TYPE.data, FLAG.endStream, stream, ask),
          ]),
        ),
      }),
  },
  {
    name: 'slow-reading',
    what: 'HTTP/1.1: answers of 300 KB that are not read, 200 asked for on each of 50 connections',
    kinds: ['shared'],
    run: (target, tally) => hold(target, tally, 50, { deaf: true, written: GET.repeat(200) }),
  },
  {
    name: 'many-connections',
    what: '12,000 connections that say nothing',
    kinds: KINDS,
    lastsMs: 12_000,
    run: (target, tally) => hold(target, tally, 12_000, { written: '' }),
  },
  {
    name: 'idle-sessions',
    what: '12,000 connections that begin HTTP/2 and say no more',
    kinds: KINDS,
    lastsMs: 12_000,
    run: (target, tally) => hold(target, tally, 12_000, { http2: [], written: '' }),
  },
];
