import { existsSync, openSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../src/domain/clock.ts';
import { authorizationOf } from './callers.ts';
import { type Child, startChild } from './child.ts';
import type { Memory } from './probe.ts';

/** The server as people run it: `carillon serve` in a process of its own, its log going to a file. */
export interface Product {
  readonly origin: string;
  /** `host:port` of native gRPC. */
  readonly grpcAddress: string;
  /** What calls have to show, if it asks for keys. */
  readonly key?: string;
  /** From the start of the process to the answer of the first call that was accepted. */
  readonly startMs: number;
  /** CPU time of all its threads so far. Only of one that was started with `probe`. */
  cpuUs(): Promise<number>;
  /** After a garbage collection. Only of one that was started with `probe`. */
  memory(): Promise<Memory>;
  /** Resident memory, as the operating system tells; undefined where there is no /proc. */
  residentBytes(): Promise<number | undefined>;
  /** As a signal does; what it waits for ends with the grace. */
  stop(graceMs?: number): Promise<void>;
}

export interface ProductOptions {
  /** Where its database is, and its log goes. */
  readonly folder: string;
  /** The URL of its database, if that is not in the folder. */
  readonly store?: string;
  /** The source without one: once it is loaded, there is no difference. */
  readonly form?: Form;
  /** Whether it can be asked about itself; without it, the process is exactly what people start. */
  readonly probe: boolean;
  /** The call that tells that it serves; a list of the webhooks without one. */
  readonly firstCall?: { readonly path: string; readonly message: object };
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The key of callers that it is given; it asks for none without one. */
  readonly key?: string;
}

/** `dist` is what `npm run build` makes and people install; `.ts` is the source itself. */
export type Form = 'dist' | '.ts';

const ENTRY: Readonly<Record<Form, URL>> = {
  dist: new URL('../dist/src/main.js', import.meta.url),
  '.ts': new URL('../src/main.ts', import.meta.url),
};
const PROBE = new URL('./probe.ts', import.meta.url);
/** Seals the secrets of seeded webhooks. */
export const SEALING_KEY = new Uint8Array(32).fill(7);
const START_MAX_MS = 30_000;
const POLL_MS = 2;

const products = new Set<Child>();

/** Ends every server that is still there. */
export function killProducts(): void {
  for (const child of products) void child.stop(0);
}

export function isBuilt(): boolean {
  return existsSync(ENTRY.dist);
}

export function databaseIn(folder: string): string {
  return join(folder, 'carillon.db');
}

export async function startProduct(options: ProductOptions): Promise<Product> {
  const { folder, store, form = '.ts', probe, flags = [], key } = options;
  const { path, message } = options.firstCall ?? { path: '/carillon.v1.WebhookService/List', message: {} };
  const [port, grpcPort] = await freePorts();
  const grpcAddress = `127.0.0.1:${grpcPort}`;
  const origin = `http://127.0.0.1:${port}`;
  const logFile = join(folder, 'log');
  const begun = systemClock.monotonic();
  const child = startChild({
    file: ENTRY[form],
    args: [
      ...['serve', '--listen', `127.0.0.1:${port}`, '--grpc-listen', grpcAddress],
      ...(store === undefined ? ['--db', databaseIn(folder)] : ['--store', store]),
      ...['--allow-destinations', '127.0.0.0/8', ...flags],
    ],
    nodeArgs: probe ? ['--expose-gc', '--import', PROBE.href] : [],
    env: {
      CARILLON_SECRETS_KEY: Buffer.from(SEALING_KEY).toString('base64'),
      ...(key !== undefined && { CARILLON_BOOTSTRAP_KEY: key }),
      ...options.env,
    },
    output: openSync(logFile, 'a'),
  });
  products.add(child);
  for (;;) {
    if (await accepts(origin, path, message, key)) break;
    if (systemClock.monotonic() - begun > START_MAX_MS || child.ended) {
      await child.stop();
      throw new Error(`the server does not serve; it said:\n${await endOf(logFile)}`);
    }
    await sleep(POLL_MS);
  }
  return {
    origin,
    grpcAddress,
    ...(key !== undefined && { key }),
    startMs: systemClock.monotonic() - begun,
    cpuUs: () => child.ask('cpuUs'),
    memory: () => child.ask('memory'),
    residentBytes: () => residentBytes(child.pid),
    stop: (graceMs) => child.stop(graceMs),
  };
}

/**
 * One POST of JSON on a connection of its own: true when it was accepted, false when nobody answered.
 * Rejects when it was refused.
 */
function accepts(origin: string, path: string, message: object, key: string | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const call = request(`${origin}${path}`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', ...authorizationOf(key) },
    });
    call.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(true);
        else reject(new Error(`${path} was answered with ${response.statusCode}: ${text}`));
      });
    });
    call.on('error', () => resolve(false));
    call.end(JSON.stringify(message));
  });
}

/** Ports that were free a moment ago: the log that would tell those chosen by the server is held back for a while. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const;
  const listen = (server: Server) =>
    new Promise<number>((resolve, reject) => {
      server.on('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  const ports = await Promise.all([listen(servers[0]), listen(servers[1])]);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  } catch {
    return undefined;
  }
}

const TAIL_BYTES = 2_000;

async function endOf(path: string): Promise<string> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read({
    buffer: Buffer.alloc(TAIL_BYTES),
    position: Math.max(0, size - TAIL_BYTES),
  });
  return buffer.toString('utf8', 0, bytesRead);
}
