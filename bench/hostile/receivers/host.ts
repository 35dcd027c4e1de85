/** Who receives, in a process of its own: a good receiver, and one that misbehaves. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { systemClock } from '../../../src/domain/clock.ts';
import { answering } from '../../answering.ts';
import type { Behaviour } from './behaviour.ts';
import { BEHAVIOURS } from './behaviours.ts';
import type { Certificates } from './certificates.ts';

export interface Opening {
  readonly name: string;
  readonly certificates: Certificates;
}

/** What the good receiver has got. */
export interface Received {
  readonly count: number;
  /** From when an event said that it was published to when it came, at most. */
  readonly slowestMs: number;
}

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const LENGTH = /\r\ncontent-length: (\d+)\r\n/i;
/** What events to the good receiver carry as their data. */
const SENT_AT = /sent at (\d+(?:\.\d+)?)/;

let good: Received = { count: 0, slowestMs: 0 };

/** Resolves with the port on which it listens. */
function listen(server: Server): Promise<number> {
  server.on('error', () => {});
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

function receive(
  socket: Socket,
  { connected, asked }: Partial<Behaviour>,
  took?: (text: string) => void,
): void {
  socket.on('error', () => {});
  connected?.(socket);
  if (socket.isPaused() || (connected !== undefined && asked === undefined)) return;
  let held = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    held += text;
    for (;;) {
      const headEnd = held.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const end = headEnd + 4 + Number(LENGTH.exec(held.slice(0, headEnd + 2))?.[1] ?? 0);
      if (held.length < end) return;
      took?.(held.slice(headEnd, end));
      held = held.slice(end);
      if (asked === undefined) socket.write(ANSWER);
      else asked(socket);
    }
  });
}

answering({
  openGood: () =>
    listen(
      createServer((socket) =>
        receive(socket, {}, (text) => {
          const lateMs = systemClock.now() - Number(SENT_AT.exec(text)?.[1]);
          good = { count: good.count + 1, slowestMs: Math.max(good.slowestMs, lateMs) };
        }),
      ),
    ),
  takeGood: (): Received => {
    const taken = good;
    good = { count: 0, slowestMs: 0 };
    return taken;
  },
  open: ({ name, certificates }: Opening) => {
    const behaviour = BEHAVIOURS.find((each) => each.name === name)!;
    const take = (socket: Socket): void => receive(socket, behaviour);
    const { certificate } = behaviour;
    if (certificate === undefined) return listen(createServer(take));
    return listen(createTlsServer(certificates[certificate], take).on('tlsClientError', () => {}));
  },
});
