import { createSocket } from 'node:dgram';
import { type LookupAddress, Resolver } from 'node:dns';
import { once } from 'node:events';
import { isIP } from 'node:net';
import type { Lookup } from '../../src/outbound/resolver.ts';

/** A DNS server on 127.0.0.1 whose answers change, and a look-up that asks it. */
export interface NameServer extends AsyncDisposable {
  readonly lookup: Lookup;
  /** The questions that it was asked, such as `a.example A`. */
  readonly asked: readonly string[];
}

/** The addresses of a name: `turn` is 0 for the first question of the name and type, 1 for the next. */
export type Answers = (name: string, turn: number) => readonly string[];

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 28: 'AAAA' };
const HEAD_BYTES = 12;

/** Answers with a time to live of 0, so that nobody may remember anything. */
export async function openNameServer(answers: Answers): Promise<NameServer> {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = question(query);
    const asks = `${name} ${TYPES[type] ?? type}`;
    const turn = asked.filter((each) => each === asks).length;
    asked.push(asks);
    const family = type === 28 ? 6 : 4;
    const records = answers(name, turn).filter((ip) => isIP(ip) === family);
    socket.send(answer(query.subarray(0, end), records), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);

  return {
    asked,
    lookup(hostname, done) {
      const found: LookupAddress[] = [];
      let left = 2;
      const answered = (family: 4 | 6) => (_error: Error | null, addresses: string[] | undefined) => {
        found.push(...(addresses ?? []).map((address) => ({ address, family })));
        if (--left === 0) done(null, found);
      };
      resolver.resolve4(hostname, answered(4));
      resolver.resolve6(hostname, answered(6));
    },
    async [Symbol.asyncDispose]() {
      resolver.cancel();
      socket.close();
      await once(socket, 'close');
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** The one question of a query (RFC 1035, 4.1.2). */
function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEAD_BYTES;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** An answer to a query that ends with its question (RFC 1035, 4.1.3). */
function answer(query: Buffer, addresses: readonly string[]): Buffer {
  const head = Buffer.from(query);
  head.writeUInt16BE(0x8580, 2);
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...addresses.map(record)]);
}

function record(ip: string): Buffer {
  const bytes = isIP(ip) === 6 ? ipv6Bytes(ip) : Buffer.from(ip.split('.').map(Number));
  const head = Buffer.alloc(12);
  // The name is that of the question; the class is IN.
  head.writeUInt16BE(0xc000 + HEAD_BYTES, 0);
  head.writeUInt16BE(bytes.length === 16 ? 28 : 1, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([head, bytes]);
}

function ipv6Bytes(ip: string): Buffer {
  const [before = '', after = ''] = ip.split('::');
  const groups = (text: string) => text.split(':').filter((group) => group !== '');
  const [first, last] = [groups(before), groups(after)];
  const middle = new Array<string>(8 - first.length - last.length).fill('0');
  const hex = [...first, ...middle, ...last].map((group) => group.padStart(4, '0')).join('');
  return Buffer.from(hex, 'hex');
}
