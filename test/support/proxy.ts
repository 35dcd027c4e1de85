import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** An HTTP proxy on 127.0.0.1 that makes tunnels, or misbehaves as told. */
export interface Proxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Where it was asked to connect to, in order. */
  readonly asked: readonly string[];
  /** The credentials that came with each, as `user:password`; empty without any. */
  readonly credentials: readonly string[];
}

export interface ProxyOptions {
  /** Where a host leads: everywhere to 127.0.0.1 without one. */
  readonly resolve?: (host: string) => string;
  /** Does what it likes with the connection instead of making a tunnel. */
  readonly misbehave?: (socket: Socket, request: IncomingMessage) => void;
}

export async function openProxy({ resolve, misbehave }: ProxyOptions = {}): Promise<Proxy> {
  const asked: string[] = [];
  const credentials: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer((_request, response) => void response.writeHead(405).end());
  server.on('connection', keep);
  server.on('connect', (request, socket: Socket, head) => {
    const target = request.url ?? '';
    asked.push(target);
    const [, encoded = ''] = /^Basic (.*)$/.exec(request.headers['proxy-authorization'] ?? '') ?? [];
    credentials.push(Buffer.from(encoded, 'base64').toString());
    if (misbehave !== undefined) return misbehave(socket, request);
    const at = target.lastIndexOf(':');
    const host = resolve?.(target.slice(0, at)) ?? '127.0.0.1';
    const onward = connect(Number(target.slice(at + 1)), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n');
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    keep(onward);
    onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: '127.0.0.1',
    port,
    asked,
    credentials,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
