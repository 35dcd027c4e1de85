/** The whole server in this process, on free ports, in memory; and requests by HTTP/1.1 with Node's own client. */
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { loadConfig } from '../../src/server/config/load.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';
import { type WatchedLog, watchedLog } from './log.ts';

export interface WholeServer extends WatchedLog {
  readonly server: RunningServer;
  readonly port: number;
  /** Of native gRPC. */
  readonly grpcPort: number;
}

/** `serve` with these flags. It ends with the test. */
export async function startWhole(
  t: { after(step: () => Promise<void>): void },
  ...argv: readonly string[]
): Promise<WholeServer> {
  const watched = watchedLog();
  const own = ['--db', ':memory:', '--secrets-key', 'a'.repeat(64), '--stop-timeout', '1s'];
  const listen = ['--listen', '127.0.0.1:0', '--grpc-listen', '127.0.0.1:0'];
  const config = await loadConfig('serve', {
    argv: [...own, ...listen, ...argv],
    env: {},
    cwd: '/',
    terminal: false,
    readFile: async () => undefined,
  });
  const server = await startServer(config, { log: watched.log });
  t.after(() => server.stop());
  return { ...watched, server, port: server.address.port, grpcPort: server.grpcAddress?.port ?? 0 };
}

export interface Told {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request over TLS and HTTP/1.1, on a connection of its own unless an agent is given. */
export async function ask(
  { port }: Pick<WholeServer, 'port'>,
  path: string,
  { body, ...options }: RequestOptions & { readonly body?: string } = {},
): Promise<Told> {
  const sent = request({ host: '127.0.0.1', port, path, agent: false, ...options });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, body: text };
}
