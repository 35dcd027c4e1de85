import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { Agent } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Code, createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { EventService } from '../../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { createListener } from '../../../src/server/listen/listener.ts';
import { openTls } from '../../../src/server/tls/tls.ts';
import { createAuthority } from '../../support/authority.ts';
import { certificateFiles, fingerprintOf } from '../../support/certificates.ts';
import { closed, echo, readAll } from '../../support/listener.ts';
import { watchedLog } from '../../support/log.ts';
import { TOGETHER } from '../../support/together.ts';
import { ask, startWhole, type WholeServer } from '../../support/whole-server.ts';

const authority = createAuthority();

const HOST = '127.0.0.1';

/** A server with TLS on both ports. */
async function start(t: TestContext, ...argv: readonly string[]): Promise<WholeServer> {
  const { cert, key } = certificateFiles(t).pair(authority.server());
  return startWhole(t, '--tls-cert', cert, '--tls-key', key, ...argv);
}

/** What the other end shows on a new connection, and what was agreed on. */
async function shakeHands(port: number, options: ConnectionOptions = {}) {
  const socket = connectTls({ host: HOST, port, ca: authority.pem, ...options });
  await once(socket, 'secureConnect');
  const seen = {
    protocol: socket.getProtocol(),
    alpn: socket.alpnProtocol,
    fingerprint: socket.getPeerX509Certificate()?.fingerprint256,
  };
  socket.destroy();
  return seen;
}

function session(t: TestContext, port: number): ClientHttp2Session {
  const opened = connectHttp2(`https://${HOST}:${port}`, { ca: authority.pem });
  t.after(() => opened.destroy());
  return opened;
}

/** The status of a request on a connection that there is. */
async function statusOf(on: ClientHttp2Session, path: string): Promise<number> {
  const stream = on.request({ ':path': path });
  const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
  stream.resume();
  await closed(stream);
  return headers[':status'];
}

describe('A server with a certificate', TOGETHER, () => {
  it('lets connections that do nothing make room for new ones', async (t) => {
    const server = await start(t, '--connections-max', '16');
    const sessions: ClientHttp2Session[] = [];
    for (let i = 0; i < 16; i++) {
      const one = session(t, server.port);
      assert.equal(await statusOf(one, '/'), 200);
      sessions.push(one);
    }
    for (let i = 0; i < 20; i++) {
      const gone = i < 16 ? closed(sessions[i]!) : undefined;
      const fresh = session(t, server.port);
      assert.equal(await statusOf(fresh, '/'), 200);
      await gone;
    }
  });

  it('serves every page and every protocol over TLS, in HTTP/1.1 and in HTTP/2', async (t) => {
    const server = await start(t, '--inbox');
    const { pem: ca } = authority;
    const pages = [
      '/',
      '/docs',
      '/openapi.json',
      '/.well-known/jwks.json',
      '/v1/health',
      '/v1/webhooks',
      '/inbox',
    ];
    const http2 = session(t, server.port);
    for (const path of pages) {
      assert.equal((await ask(server, path, { ca })).status, 200, path);
      assert.equal(await statusOf(http2, path), 200, path);
    }
    const page = await ask(server, '/inbox/hello', { ca, headers: { accept: 'text/html' } });
    assert.match(page.body, /<html/);

    const shared = `https://${HOST}:${server.port}`;
    const nodeOptions = { ca };
    const transports = [
      createConnectTransport({ baseUrl: shared, httpVersion: '1.1', nodeOptions }),
      createConnectTransport({ baseUrl: shared, httpVersion: '2', nodeOptions }),
      createGrpcWebTransport({ baseUrl: shared, httpVersion: '1.1', nodeOptions }),
      createGrpcTransport({ baseUrl: shared, nodeOptions }),
      createGrpcTransport({ baseUrl: `https://${HOST}:${server.grpcPort}`, nodeOptions }),
    ];
    for (const transport of transports) {
      const { webhooks } = await createClient(WebhookService, transport).list({});
      assert.deepEqual(webhooks, []);
    }
    const streams = [transports[3]!, transports[4]!];
    for (const transport of streams) {
      const requests = (async function* () {
        for (const type of ['a', 'b']) yield { request: { event: { type } } };
      })();
      const told: unknown[] = [];
      for await (const { result } of createClient(EventService, transport).publishStream(requests)) {
        told.push(result?.result.case);
      }
      assert.deepEqual(told, ['response', 'response']);
    }
  });

  it('offers h2 before http/1.1, and takes TLS from 1.2 up', async (t) => {
    const { port, grpcPort } = await start(t);
    for (const at of [port, grpcPort]) {
      assert.equal((await shakeHands(at, { ALPNProtocols: ['http/1.1', 'h2'] })).alpn, 'h2');
      assert.equal((await shakeHands(at, { ALPNProtocols: ['http/1.1'] })).alpn, 'http/1.1');
      assert.equal((await shakeHands(at)).protocol, 'TLSv1.3');
      assert.equal((await shakeHands(at, { maxVersion: 'TLSv1.2' })).protocol, 'TLSv1.2');
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
      await assert.rejects(shakeHands(at, old), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    }
  });

  it('tells callers without TLS that it is needed, in the protocol that they speak', async (t) => {
    const { port, grpcPort } = await start(t);
    for (const at of [port, grpcPort]) {
      const response = await fetch(`http://${HOST}:${at}/v1/webhooks`);
      assert.equal(response.status, 400);
      assert.match(await response.text(), /"this port takes TLS only: call it with https:\/\//);

      const baseUrl = `http://${HOST}:${at}`;
      for (const transport of [
        createConnectTransport({ baseUrl, httpVersion: '1.1' }),
        createConnectTransport({ baseUrl, httpVersion: '2' }),
        createGrpcTransport({ baseUrl }),
      ]) {
        await assert.rejects(createClient(WebhookService, transport).list({}), {
          code: Code.FailedPrecondition,
          rawMessage: /^this port takes TLS only/,
        });
      }
    }
  });

  it('tells HTTP/1.1 on the port of gRPC where to go, over TLS too', async (t) => {
    const { grpcPort } = await start(t);
    const told = await ask({ port: grpcPort }, '/', { ca: authority.pem });
    assert.equal(told.status, 505);
    assert.match(told.body, /HTTP\/1\.1 goes to the other port/);
  });

  it('looks after its files by itself, for both ports', async (t) => {
    const files = certificateFiles(t);
    const { cert, key } = files.pair(authority.server());
    const { port, grpcPort, line } = await startWhole(t, '--tls-cert', cert, '--tls-key', key);
    const next = authority.server();
    files.pair(next);
    await line(({ message }) => message.startsWith('the certificates were read again'));
    for (const at of [port, grpcPort]) assert.equal((await shakeHands(at)).fingerprint, fingerprintOf(next));
  });

  it('stops while connections are open, and those with nothing to do are closed at once', async (t) => {
    const whole = await start(t);
    const http2 = session(t, whole.port);
    await statusOf(http2, '/v1/health');
    const agent = new Agent({ keepAlive: true });
    await ask(whole, '/v1/health', { ca: authority.pem, agent });
    const silent = connectTcp({ host: HOST, port: whole.port });
    await once(silent, 'connect');
    await whole.server.stop();
    await Promise.all([closed(http2), closed(silent)]);
  });
});

describe('A port with TLS', () => {
  async function open(t: TestContext, firstBytesMs = 10_000) {
    const files = certificateFiles(t);
    const first = authority.server();
    const paths = files.pair(first);
    const watched = watchedLog();
    const tls = await openTls({ paths, clock: systemClock, log: watched.log });
    const listener = await createListener({
      handler: echo,
      host: HOST,
      port: 0,
      tls,
      limits: { firstBytesMs },
    });
    t.after(() => listener.close(0));
    /** What an operator sees of it. */
    const told = () => watched.lines.filter(({ level }) => level !== 'debug');
    return { ...watched, told, files, paths, first, tls, port: listener.address.port };
  }

  it('uses a new certificate for new connections once its files change, and keeps those that there are', async (t) => {
    const { port, paths, first, tls, told } = await open(t);
    const before = session(t, port);
    assert.equal(await statusOf(before, '/'), 200);
    await tls.tick();
    assert.equal((await shakeHands(port)).fingerprint, fingerprintOf(first));
    assert.deepEqual(told(), []);

    const second = authority.server();
    writeFileSync(paths.cert, second.cert);
    writeFileSync(paths.key, second.key);
    await tls.tick();
    assert.equal((await shakeHands(port)).fingerprint, fingerprintOf(second));
    assert.equal(await statusOf(before, '/'), 200);
    assert.deepEqual(
      told().map(({ level, message }) => [level, message]),
      [['info', 'the certificates were read again, and are used from now on']],
    );
  });

  it('does not agree on other keys, or other certificates, in the middle of a connection, nor once its own were read again', async (t) => {
    const { port, paths, tls } = await open(t);
    for (const read of ['at first', 'again']) {
      const socket = connectTls({ host: HOST, port, ca: authority.pem, maxVersion: 'TLSv1.2' });
      await once(socket, 'secureConnect');
      socket.renegotiate({}, () => {});
      const [error] = (await once(socket, 'error', { signal: AbortSignal.timeout(2000) })) as [
        NodeJS.ErrnoException,
      ];
      assert.equal(error.code, 'ERR_SSL_NO_RENEGOTIATION', read);
      socket.destroy();
      const next = authority.server();
      writeFileSync(paths.cert, next.cert);
      writeFileSync(paths.key, next.key);
      await tls.tick();
    }
  });

  it('keeps its certificate while the new one is broken, says once what to mend, and takes it when it is whole', async (t) => {
    const { port, paths, first, tls, told } = await open(t);
    const second = authority.server();
    writeFileSync(paths.cert, second.cert);
    for (let i = 0; i < 3; i++) await tls.tick();
    assert.equal((await shakeHands(port)).fingerprint, fingerprintOf(first));
    assert.equal(told().length, 1);
    const { level, message, fields } = told()[0]!;
    assert.equal(level, 'error');
    assert.match(message, /cannot be used, and those before stay in use; mend the files/);
    assert.match(String(fields.reason), /the key in .*key\.pem is not that of the first certificate/);

    writeFileSync(paths.key, second.key);
    await tls.tick();
    assert.equal((await shakeHands(port)).fingerprint, fingerprintOf(second));
    assert.equal(told().length, 2);
  });

  it('says when its certificate is about to expire, and when it has', async (t) => {
    const { paths, tls, lines } = await open(t);
    const days = (count: number) => new Date(Date.now() + count * 86_400_000);
    for (const [notAfter, words] of [
      [days(6), /expires in less than a week; put a new one into .*cert\.pem/],
      [days(-0.5), /has expired, and callers refuse it; put a new one into .*cert\.pem/],
    ] as const) {
      const pair = authority.server(undefined, { notAfter });
      writeFileSync(paths.cert, pair.cert);
      writeFileSync(paths.key, pair.key);
      await tls.tick();
      await tls.tick();
      const warnings = lines.filter(({ level }) => level === 'warn');
      assert.match(warnings.at(-1)!.message, words);
    }
    assert.equal(lines.filter(({ level }) => level === 'warn').length, 2);
  });

  it('drops connections that take too long to agree on keys, or to say something after that', async (t) => {
    const { port } = await open(t, 100);
    const half = connectTcp({ host: HOST, port });
    // The head of a record, of which nothing comes.
    half.write(Buffer.from([22, 3, 1, 2, 0]));
    const silent = connectTls({ host: HOST, port, ca: authority.pem });
    await once(silent, 'secureConnect');
    await Promise.all([closed(half), closed(silent)]);
  });

  it('takes its first bytes in whatever pieces they come', async (t) => {
    const { port } = await open(t);
    const agent = new Agent({ keepAlive: false });
    // Over a proxy that sends one byte at a time.
    const { createServer } = await import('node:net');
    const proxy = createServer((from) => {
      const to = connectTcp({ host: HOST, port, noDelay: true });
      to.pipe(from);
      from.on('error', () => to.destroy());
      to.on('error', () => from.destroy());
      from.on('data', (chunk: Buffer) => {
        for (const byte of chunk) to.write(Buffer.of(byte));
      });
    });
    proxy.listen(0, HOST);
    await once(proxy, 'listening');
    t.after(() => proxy.close());
    const at = proxy.address();
    assert.ok(at !== null && typeof at === 'object');
    const told = await ask({ port: at.port }, '/', {
      ca: authority.pem,
      agent,
      method: 'POST',
      body: 'x'.repeat(500),
    });
    assert.equal(told.body, `POST 1.1 ${'x'.repeat(500)}`);
  });

  it('closes what is no HTTP inside TLS', async (t) => {
    const { port } = await open(t);
    const socket = connectTls({ host: HOST, port, ca: authority.pem });
    await once(socket, 'secureConnect');
    socket.write('what is this\r\n\r\n');
    assert.match(await readAll(socket), /^HTTP\/1\.1 400 Bad Request/);
  });
});

describe('A server does not start', () => {
  it('with a certificate or a key that cannot be used, and says what to do', async (t) => {
    const files = certificateFiles(t);
    const good = files.pair(authority.server());
    const other = files.write('other-key.pem', authority.server().key);
    const text = files.write('text.pem', 'what is this');
    const locked = files.write(
      'locked.pem',
      '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
    );
    const missing = `${files.folder}/missing.pem`;
    for (const [cert, key, words] of [
      [
        good.cert,
        other,
        /the key in .*other-key\.pem is not that of the first certificate in .*cert\.pem: give the key/,
      ],
      [missing, good.key, /^--tls-cert: .*missing\.pem cannot be read: there is no such file; give the path/],
      [good.cert, missing, /^--tls-key: .*missing\.pem cannot be read: there is no such file; give the path/],
      [files.folder, good.key, /cannot be read: it is a folder; give the path/],
      [text, good.key, /text\.pem holds no certificate in PEM, .*; convert it/],
      [good.cert, text, /text\.pem holds no private key in PEM, .*; give the one/],
      [good.cert, locked, /locked\.pem is locked with a passphrase, .*: write it without one/],
    ] as const) {
      await assert.rejects(startWhole(t, '--tls-cert', cert, '--tls-key', key), {
        reason: 'TLS_UNUSABLE',
        message: words,
      });
    }
  });

  it('with one of the two only', async (t) => {
    await assert.rejects(startWhole(t, '--tls-cert', 'a.pem'), {
      message: 'tls-cert is set without tls-key; give that too',
    });
    await assert.rejects(startWhole(t, '--tls-key', 'a.pem'), {
      message: 'tls-key is set without tls-cert; give that too',
    });
  });
});

describe('A server starts', () => {
  it('with a certificate that has expired, and warns', async (t) => {
    const files = certificateFiles(t);
    const past = new Date(Date.now() - 1000);
    const { cert, key } = files.pair(authority.server(undefined, { notAfter: past }));
    const { lines } = await startWhole(t, '--tls-cert', cert, '--tls-key', key);
    assert.ok(
      lines.some(({ level, message }) => level === 'warn' && /certificate has expired/.test(message)),
    );
  });

  it('where others can reach it with a certificate and a key, and no further flag', async (t) => {
    const key = `ck_${'0123456789abcdef'.repeat(4)}`;
    const whole = await start(t, '--listen', '0.0.0.0:0', '--bootstrap-key', key);
    const told = await ask(whole, '/v1/webhooks', {
      ca: authority.pem,
      headers: { authorization: `Bearer ${key}` },
    });
    assert.equal(told.status, 200);
  });
});
