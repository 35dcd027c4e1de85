import assert from 'node:assert/strict';
import { type EventEmitter, once } from 'node:events';
import { type Agent, request as http1Request, type IncomingMessage } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { DomainError } from '../../src/domain/error.ts';
import type { Acceptor } from '../../src/server/listen/acceptor.ts';
import type { Handler, ListenerLimits, ListenerResponse } from '../../src/server/listen/http-protocol.ts';
import { createListener } from '../../src/server/listen/listener.ts';

// Listeners, and clients of theirs that do as told.

/** Says which protocol a request came by, and its body. */
export const echo: Handler = async (request, response) => {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  response.end(`${request.method} ${request.httpVersion} ${body}`);
};

export const HOST = '127.0.0.1';
/** As long as a timer can be. */
export const NEVER_MS = 2 ** 31 - 1;

export interface Test {
  after(step: () => unknown): void;
}

export async function open(
  t: Test,
  handler: Handler,
  limits: Partial<ListenerLimits> = {},
  onError: (error: unknown) => void = () => {},
): Promise<Acceptor> {
  const listener = await createListener({ handler, host: HOST, port: 0, limits, onError });
  t.after(() => listener.close(0));
  return listener;
}

export async function openSocket(t: Test, { address }: Acceptor): Promise<Socket> {
  const socket = connectTcp({ host: HOST, port: address.port });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** `localAddress` is another address of this machine to come from. */
export async function openSession(
  t: Test,
  { address }: Acceptor,
  localAddress?: string,
): Promise<ClientHttp2Session> {
  const { port } = address;
  const session = connectHttp2(`http://${HOST}:${port}`, {
    createConnection: () => connectTcp({ host: HOST, port, ...(localAddress && { localAddress }) }),
  });
  t.after(() => session.destroy());
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  return session;
}

export async function post({ address }: Acceptor, body: string, options: { agent?: Agent } = {}) {
  const request = http1Request({ host: HOST, port: address.port, method: 'POST', agent: false, ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const { localPort } = response.socket;
  const connection = response.headers.connection;
  return { status: response.statusCode, body: await text(response), localPort, connection };
}

export async function postHttp2(session: ClientHttp2Session, body: string): Promise<string> {
  const stream = session.request({ ':method': 'POST' });
  stream.end(body);
  return text(stream);
}

export async function text(stream: AsyncIterable<unknown>): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}

/** Everything that comes until the connection closes; a reset counts as its end. */
export async function readAll(socket: Socket): Promise<string> {
  let all = '';
  socket.on('data', (chunk: Buffer) => {
    all += chunk.toString('latin1');
  });
  await closed(socket);
  return all;
}

/** An error is no surprise: it is how a stream learns that it was reset. */
export async function closed(thing: EventEmitter & { readonly closed: boolean }): Promise<void> {
  thing.on('error', () => {});
  if (!thing.closed) await new Promise<void>((resolve) => thing.once('close', resolve));
}

/** There and back, so that what was sent before has arrived. */
export async function pingpong(session: ClientHttp2Session): Promise<void> {
  await new Promise<void>((resolve) => session.ping(() => resolve()));
}

/** Sends a little again and again, until the stream is gone. */
export function trickle(
  t: Test,
  stream: { writable: boolean; write(chunk: string): unknown },
  chunk: string,
): void {
  const timer = setInterval(() => stream.writable && stream.write(chunk), 5);
  t.after(() => clearInterval(timer));
}

/** The same response, its head sent. */
export function begun(response: ListenerResponse): ListenerResponse {
  // One by one, since TypeScript cannot call the methods of the two as one.
  if ('stream' in response) response.writeHead(200).write('');
  else response.writeHead(200).flushHeaders();
  return response;
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Keeps the event loop busy, as a call that takes long does. */
export function work(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

export function refusal(message: string) {
  return (error: unknown) => {
    assert.ok(error instanceof DomainError);
    assert.deepEqual([error.code, error.message], ['FAILED_PRECONDITION', message]);
    return true;
  };
}
