/**
 * The destination of everything the bench sends, in a process of its own: as little HTTP/1.1 as a
 * well-behaved client needs, so that it takes little of the machine from what is measured. It listens
 * on as many ports as it is told, answers 200 at once, or never under `/hang`, counts, and notes how
 * late each scheduled run, and each event that says when it was sent, arrives.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { answering } from './answering.ts';
import { createFineClock, SENT_AT } from './fine-clock.ts';
import { createHistogram, type Spans } from './histogram.ts';

/** What the receiver has seen since it was asked last. */
export interface Seen {
  /** POSTs that were answered. */
  readonly answered: number;
  /** POSTs that were left without an answer. */
  readonly hanging: number;
  /** From the time in `carillon-scheduled-at`, or in `bench-sent-at`, to the arrival of the last byte. */
  readonly lateness: Spans;
}

const ANSWER =
  'HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\n' +
  'content-type: text/plain\r\ncontent-length: 2\r\n\r\nok';
const HANG = /^POST \/hang/;
const LENGTH = /\r\ncontent-length: (\d+)\r\n/i;
const SCHEDULED = /\r\ncarillon-scheduled-at: ([^\r]+)\r\n/i;
const SENT = new RegExp(`\\r\\n${SENT_AT}: ([0-9.]+)\\r\\n`, 'i');
const PORTS_MAX = 512;

const lateness = createHistogram();
const servers: Server[] = [];
let answered = 0;
let hanging = 0;
const fineClock = createFineClock();

function accept(socket: Socket): void {
  // One byte a character, so that lengths are lengths.
  socket.setEncoding('latin1');
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  let held = '';
  socket.on('data', (text: string) => {
    held = held === '' ? text : held + text;
    for (;;) {
      const headEnd = held.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = held.slice(0, headEnd + 2);
      const end = headEnd + 4 + Number(LENGTH.exec(head)?.[1] ?? 0);
      if (held.length < end) return;
      held = held.slice(end);
      take(head, socket);
    }
  });
}

function take(head: string, socket: Socket): void {
  if (HANG.test(head)) {
    hanging++;
    return;
  }
  const scheduledAt = SCHEDULED.exec(head)?.[1];
  const sentAt = scheduledAt === undefined ? SENT.exec(head)?.[1] : undefined;
  if (scheduledAt !== undefined) lateness.add(fineClock.now() - Date.parse(scheduledAt));
  if (sentAt !== undefined) lateness.add(fineClock.now() - Number(sentAt));
  answered++;
  socket.write(ANSWER);
}

async function listen(): Promise<number> {
  const server = createServer(accept);
  servers.push(server);
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

answering({
  /** Opens ports and says which. */
  listen: async ({ ports }: { ports: number }): Promise<number[]> => {
    if (servers.length + ports > PORTS_MAX) throw new Error(`more than ${PORTS_MAX} ports`);
    return Promise.all(Array.from({ length: ports }, listen));
  },
  /** What was seen, which is forgotten. */
  take: (): Seen => {
    const seen = { answered, hanging, lateness: lateness.read() };
    answered = 0;
    hanging = 0;
    lateness.clear();
    fineClock.calibrate();
    return seen;
  },
});
