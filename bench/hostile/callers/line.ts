import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../src/domain/clock.ts';
import { FRAME_HEAD_BYTES, PREFACE, settings, TYPE } from './frames.ts';
import { count, errorName, type Tally } from './tally.ts';

/** A connection of an attacker, who writes what it likes; what comes back is counted. */
export interface Line {
  /** Resolves with whether more can be written: false once the connection is gone. */
  write(bytes: Uint8Array | string): Promise<boolean>;
  readonly closed: Promise<void>;
  readonly isClosed: boolean;
  /** Reads from now on, where nothing was read. */
  hear(): void;
  /** Waits a while for the last words, then hangs up. */
  settle(): Promise<void>;
  /** Hangs up. What happens then is not the server's doing. */
  end(): void;
}

export interface LineOptions {
  readonly port: number;
  readonly tally: Tally;
  /** Whether it begins with the preface of HTTP/2, and with which settings. */
  readonly http2?: readonly (readonly [id: number, value: number])[];
  /** Whether nothing that the server says is read. */
  readonly deaf?: boolean;
}

/** Attackers come from another address than those who are to be served; other systems than Linux have but one. */
const ELSEWHERE = process.platform === 'linux' ? '127.0.0.2' : undefined;

/** How long a write is waited for when the server does not read. */
const BLOCKED_MS = 1_000;
/** How long the end of a connection is waited for that nothing more is written to. */
const LAST_WORDS_MS = 300;

export async function openLine({ port, tally, http2, deaf = false }: LineOptions): Promise<Line> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    ...(ELSEWHERE && { localAddress: ELSEWHERE }),
  });
  const begun = systemClock.monotonic();
  let ours = false;
  const over = (): void => {
    tally.lastMs = Math.max(tally.lastMs, systemClock.monotonic() - begun);
  };
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      if (!ours) {
        tally.closed++;
        over();
      }
      resolve();
    });
  });
  const connected = new Promise<void>((resolve) => socket.once('connect', resolve));
  await Promise.race([connected, closed]);
  tally.connections++;
  const take = http2 === undefined ? http1Counter(tally) : http2Counter(tally, over);
  if (deaf) socket.pause();
  else socket.on('data', take);
  const line: Line = {
    async write(bytes) {
      if (socket.destroyed || !socket.writable) return false;
      if (!socket.write(bytes)) await Promise.race([drained(), closed]);
      return !socket.destroyed;
    },
    closed,
    get isClosed() {
      return socket.destroyed;
    },
    hear() {
      if (deaf) socket.on('data', take).resume();
    },
    async settle() {
      await Promise.race([closed, sleep(LAST_WORDS_MS)]);
      line.end();
    },
    end() {
      ours = true;
      socket.destroy();
    },
  };

  function drained(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, BLOCKED_MS);
      socket.once('drain', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  if (http2 !== undefined) await line.write(Buffer.concat([Buffer.from(PREFACE), settings(...http2)]));
  return line;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function http1Counter(tally: Tally): (chunk: Buffer) => void {
  return (chunk) => {
    for (const [, status = ''] of chunk.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3})/g))
      count(tally.statuses, status);
  };
}

/** Counts what matters of the frames that come, wherever they are cut. */
function http2Counter(tally: Tally, over: () => void): (chunk: Buffer) => void {
  let saidGoaway = false;
  const answered = new Set<number>();
  let held: Buffer = Buffer.alloc(0);
  /** Of a frame that nobody needs, still to come. */
  let skip = 0;
  return (chunk) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (;;) {
      const skipped = Math.min(skip, held.length);
      skip -= skipped;
      held = held.subarray(skipped);
      if (held.length < FRAME_HEAD_BYTES) return;
      const length = held.readUIntBE(0, 3);
      const type = held[3];
      const isCode = type === TYPE.reset || type === TYPE.goaway;
      if (isCode && held.length < FRAME_HEAD_BYTES + length) return;
      const stream = held.readUInt32BE(FRAME_HEAD_BYTES - 4);
      // Trailers are no answer of their own.
      if (type === TYPE.headers && !answered.has(stream)) {
        answered.add(stream);
        tally.answered++;
      }
      if (type === TYPE.headers || type === TYPE.reset) over();
      if (type === TYPE.reset) count(tally.resets, errorName(held.readUInt32BE(FRAME_HEAD_BYTES)));
      if (type === TYPE.goaway && !saidGoaway) {
        saidGoaway = true;
        count(tally.goaways, errorName(held.readUInt32BE(FRAME_HEAD_BYTES + 4)));
      }
      held = held.subarray(FRAME_HEAD_BYTES);
      skip = length;
    }
  };
}
