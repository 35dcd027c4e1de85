import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { LOOPBACK } from '../../src/domain/webhook/address.ts';
import { parseDestinationRules } from '../../src/domain/webhook/destination-rule.ts';
import { until } from '../support/pipeline.ts';
import { openProxy, type ProxyOptions } from '../support/proxy.ts';
import { openReceiver, receiverCertificate } from '../support/receiver.ts';
import { aLookup, aRequest, aSender, told } from '../support/sender.ts';

const trustedCertificates = receiverCertificate();
const PASSWORD = 'not-to-be-seen';
const authorization = `Basic ${Buffer.from(`carillon:${PASSWORD}`).toString('base64')}`;
const rules = (...list: string[]) => parseDestinationRules(list, 'rules');

describe('sending through an egress proxy', () => {
  it('connects to nothing but the proxy, for http and https alike, and leaves the look-up to it', async () => {
    await using plain = await openReceiver();
    await using secure = await openReceiver({ tls: true });
    await using proxy = await openProxy();
    const lookup = aLookup({ 'proxy.example': [['127.0.0.1']] });
    const egressProxy = { host: 'proxy.example', port: proxy.port, authorization };
    await using sender = aSender({ policy: { allow: [] }, lookup, egressProxy, trustedCertificates });
    const first = await sender.send(aRequest(`http://hooks.example:${plain.port}/a?b=c`));
    assert.equal(told(first), 'answered 200');
    assert.equal(first.remoteAddress, `127.0.0.1:${proxy.port}`);
    assert.equal(
      told(await sender.send(aRequest(`https://receiver.example:${secure.port}/`))),
      'answered 200',
    );
    assert.deepEqual(proxy.asked, [`hooks.example:${plain.port}`, `receiver.example:${secure.port}`]);
    assert.deepEqual(proxy.credentials, [`carillon:${PASSWORD}`, `carillon:${PASSWORD}`]);
    assert.deepEqual(new Set(lookup.asked), new Set(['proxy.example']));
    const [request] = plain.requests;
    assert.equal(request?.path, '/a?b=c');
    assert.equal(request?.headers.host, `hooks.example:${plain.port}`);
    assert.equal(request?.headers['proxy-authorization'], undefined, 'the destination sees no password');
  });

  it('checks the certificate of the destination, not of where the proxy leads', async () => {
    await using secure = await openReceiver({ tls: true });
    await using proxy = await openProxy();
    await using sender = aSender({ policy: { allow: [] }, egressProxy: proxy, trustedCertificates });
    const outcome = await sender.send(aRequest(`https://hooks.example:${secure.port}/`));
    assert.match(told(outcome), /^TLS: the certificate is for another host: hooks\.example/);
  });

  it('keeps the connection, and asks the proxy once', async () => {
    await using receiver = await openReceiver();
    await using proxy = await openProxy();
    await using sender = aSender({ policy: { allow: [] }, egressProxy: proxy, originConnectionsMax: 1 });
    for (let i = 0; i < 3; i++) {
      const outcome = await sender.send(aRequest(`http://hooks.example:${receiver.port}/`));
      assert.equal(told(outcome), 'answered 200');
    }
    assert.equal(proxy.asked.length, 1);
  });

  it('asks for nothing that may not be called: addresses, names inside, and what the lists forbid', async () => {
    await using proxy = await openProxy();
    const policy = {
      allow: rules(...LOOPBACK, '10.0.0.0/8', 'printer.local'),
      deny: rules('evil.example', '*:3000'),
      only: rules('*.example', '127.0.0.0/8', '10.0.0.0/8', '*.local', 'localhost', '*:81'),
      isResolvedElsewhere: true,
    };
    await using sender = aSender({ policy, egressProxy: proxy });
    for (const url of [
      'http://169.254.169.254/',
      'http://[::ffff:10.0.0.1]/',
      'http://192.168.0.1:81/',
      'http://localhost/',
      'http://other.local/',
      'http://evil.example/',
      'http://good.example:3000/',
      'http://partner.test/',
    ])
      assert.match(told(await sender.send(aRequest(url))), /^FORBIDDEN_ADDRESS: /, url);
    assert.deepEqual(proxy.asked, []);
    for (const url of ['http://10.0.0.1:1/', 'http://printer.local:1/', 'http://good.example:1/'])
      assert.match(
        told(await sender.send(aRequest(url))),
        /^CONNECT: the egress proxy .* could not connect to/,
        url,
      );
    assert.deepEqual(proxy.asked, ['10.0.0.1:1', 'printer.local:1', 'good.example:1']);
  });
});

describe('an egress proxy that makes no connection', () => {
  const answers: [string, RegExp][] = [
    [
      '407 Proxy Authentication Required',
      /^PROXY: the egress proxy \S+ wants other credentials: .* --egress-proxy \(407\)$/,
    ],
    [
      '403 Forbidden',
      /^FORBIDDEN_ADDRESS: the egress proxy \S+ refuses to connect to hooks\.example:443 \(403\)$/,
    ],
    ['502 Bad Gateway', /^CONNECT: the egress proxy \S+ could not connect to hooks\.example:443 \(502\)$/],
    ['503 Service Unavailable', /^CONNECT: .* could not connect to hooks\.example:443 \(503\)$/],
    ['504 Gateway Timeout', /^TIMEOUT: .* waited too long for a connection to hooks\.example:443 \(504\)$/],
    [
      '405 Method Not Allowed',
      /^PROXY: .* makes no connection to hooks\.example:443: see whether it takes CONNECT.* \(405\)$/,
    ],
    ['302 Found', /^PROXY: .* makes no connection .* \(302\)$/],
    ['500 Oops', /^PROXY: .* makes no connection .* \(500\)$/],
  ];
  for (const [line, expected] of answers) {
    it(`says so of ${line}`, async () => {
      await using proxy = await openProxy({
        misbehave: (socket) => socket.end(`HTTP/1.1 ${line}\r\ncontent-length: 4\r\n\r\nnope`),
      });
      const egressProxy = { host: proxy.host, port: proxy.port, authorization };
      await using sender = aSender({ policy: { allow: [] }, egressProxy });
      const message = told(await sender.send(aRequest('https://hooks.example/')));
      assert.match(message, expected);
      assert.doesNotMatch(message, new RegExp(`${PASSWORD}|Basic`));
    });
  }

  const oddities: [string, NonNullable<ProxyOptions['misbehave']>, RegExp][] = [
    [
      'closes the connection',
      (socket) => socket.destroy(),
      /^PROXY: .* closed the connection before it answered$/,
    ],
    [
      'ends in the middle',
      (socket) => socket.end('HTTP/1.1 200 '),
      /^PROXY: .* closed the connection before/,
    ],
    [
      'sends more than its answer',
      (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n'),
      /^PROXY: .* sends more than its answer$/,
    ],
    [
      'speaks something else',
      (socket) => socket.write('220 smtp.example ready\r\n\r\n'),
      /^PROXY: .* does not answer as an HTTP proxy/,
    ],
    [
      'has no end of its head',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(4_000)}`),
      /^PROXY: .* does not answer as/,
    ],
  ];
  for (const [what, misbehave, expected] of oddities) {
    it(`says so when it ${what}`, async () => {
      await using proxy = await openProxy({ misbehave });
      await using sender = aSender({ policy: { allow: [] }, egressProxy: proxy });
      assert.match(told(await sender.send(aRequest('http://hooks.example/'))), expected);
      await until(() => sender.stats().connections === 0 || undefined);
    });
  }

  it('is told from a destination that is not reached in time, by both deadlines', async () => {
    await using proxy = await openProxy({ misbehave: () => {} });
    await using sender = aSender({ policy: { allow: [] }, egressProxy: proxy, connectTimeoutMs: 80 });
    const silent = await sender.send(aRequest('http://hooks.example/'));
    const called = `the egress proxy 127.0.0.1:${proxy.port}`;
    assert.equal(told(silent), `TIMEOUT: ${called} did not connect to hooks.example:80 within 80 ms`);
    const sooner = await sender.send(aRequest('http://sooner.example/', { timeoutMs: 40 }));
    assert.equal(told(sooner), `TIMEOUT: ${called} did not connect to sooner.example:80 within 40 ms`);
    const egressProxy = { host: 'proxy.example', port: proxy.port };
    await using lost = aSender({
      policy: { allow: [] },
      egressProxy,
      connectTimeoutMs: 80,
      lookup: () => {},
    });
    const nowhere = `PROXY: no connection to the egress proxy proxy.example:${proxy.port} within`;
    assert.equal(told(await lost.send(aRequest('http://hooks.example/'))), `${nowhere} 80 ms`);
    assert.equal(
      told(await lost.send(aRequest('http://sooner.example/', { timeoutMs: 40 }))),
      `${nowhere} 40 ms`,
    );
  });

  it('is trouble of our own when it refuses the connection or has no address', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as { port: number };
    gone.close();
    await once(gone, 'close');
    await using refused = aSender({ policy: { allow: [] }, egressProxy: { host: '127.0.0.1', port } });
    assert.equal(
      told(await refused.send(aRequest('http://hooks.example/'))),
      `PROXY: connection refused by the egress proxy 127.0.0.1:${port}`,
    );
    const egressProxy = { host: 'proxy.example', port };
    await using unknown = aSender({ policy: { allow: [] }, egressProxy, lookup: aLookup({}) });
    assert.equal(
      told(await unknown.send(aRequest('http://hooks.example/'))),
      `PROXY: the egress proxy proxy.example:${port} cannot be reached: there is no address for proxy.example (ENOTFOUND)`,
    );
  });

  it('drops what is being opened when the sender is closed', async () => {
    await using proxy = await openProxy({ misbehave: () => {} });
    const sender = aSender({ policy: { allow: [] }, egressProxy: proxy });
    const sent = sender.send(aRequest('http://hooks.example/'));
    while (proxy.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await sender.close();
    assert.equal(told(await sent), 'LOCAL: Carillon stopped before the answer came');
    await until(() => sender.stats().connections === 0 || undefined);
  });

  it('answers the next request once it works again', async () => {
    let isBroken = true;
    await using proxy = await openProxy({
      misbehave(socket) {
        if (isBroken) return void socket.end('HTTP/1.1 407 No\r\n\r\n');
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.once('data', () => socket.write('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n'));
      },
    });
    await using sender = aSender({ policy: { allow: [] }, egressProxy: proxy });
    assert.match(told(await sender.send(aRequest('http://hooks.example/'))), /^PROXY/);
    isBroken = false;
    assert.equal(told(await sender.send(aRequest('http://hooks.example/'))), 'answered 202');
  });
});
