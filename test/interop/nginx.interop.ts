import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { createAuthority } from '../support/authority.ts';
import { certificateFiles } from '../support/certificates.ts';
import { blockOf } from '../support/docs.ts';
import { type CarillonProcess, freePort, startCarillon } from '../support/server.ts';
import { output, run, TOOLS } from './tool.ts';

/** nginx as docs/security.md sets it up, in front of a server, but for ports, paths and the name. */

const NGINX = '/usr/sbin/nginx';
const KEY = `ck_${'0123456789abcdef'.repeat(4)}`;
const bearing = { headers: { authorization: `Bearer ${KEY}` } };

describe('nginx as docs/security.md has it', () => {
  const cleanUp: (() => unknown)[] = [];
  let carillon: CarillonProcess;
  let port: number;
  let ca: string;
  let caFile: string;

  before(async () => {
    const authority = createAuthority();
    const files = certificateFiles({ after: (step) => cleanUp.push(step) });
    const pair = files.pair(authority.server());
    ca = authority.pem;
    caFile = files.write('ca.pem', ca);
    carillon = await startCarillon({
      command: 'serve',
      args: ['--trusted-proxies', '127.0.0.1'],
      env: { CARILLON_BOOTSTRAP_KEY: KEY },
    });
    port = await freePort();
    const server = blockOf('docs/security.md', 'nginx', 'conf')
      .replaceAll(':8090', `:${carillon.port}`)
      .replaceAll(':8091', `:${carillon.grpcAddress.split(':').at(-1)}`)
      .replace('listen 443', `listen 127.0.0.1:${port}`)
      .replace('/etc/nginx/tls.pem', pair.cert)
      .replace('/etc/nginx/tls.key', pair.key);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((each) => `${each}_temp_path ${files.folder}/${each};`)
      .join('\n');
    const conf = join(files.folder, 'nginx.conf');
    const main = `daemon off;\npid ${files.folder}/pid;\nerror_log stderr;\nevents {}\n`;
    writeFileSync(conf, `${main}http {\naccess_log off;\n${temporary}\n${server}\n}\n`);
    const nginx = spawn(NGINX, ['-e', 'stderr', '-p', files.folder, '-c', conf], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    nginx.stderr.on('data', (chunk: Buffer) => {
      said += String(chunk);
    });
    const ended = once(nginx, 'exit');
    cleanUp.push(() => nginx.kill('SIGTERM') && ended);
    await Promise.race([listens(port), ended.then(() => assert.fail(`nginx ended: ${said}`))]);
  });
  after(async () => {
    for (const step of cleanUp.toReversed()) await step();
    await carillon?.[Symbol.asyncDispose]();
  });

  const url = () => `https://localhost:${port}`;

  it('passes on JSON, Connect and gRPC-Web over HTTP/1.1, and gRPC over HTTP/2 to the port of gRPC', async () => {
    const nodeOptions = { ca };
    const calls = {
      connect: createConnectTransport({ baseUrl: url(), httpVersion: '2', nodeOptions }),
      'grpc-web': createGrpcWebTransport({ baseUrl: url(), httpVersion: '1.1', nodeOptions }),
      grpc: createGrpcTransport({ baseUrl: url(), nodeOptions }),
    };
    for (const transport of Object.values(calls))
      await createClient(WebhookService, transport).list({}, bearing);
    for (const version of ['--http1.1', '--http2']) {
      const args = ['-sS', '--fail', version, '--cacert', caFile, '-H', `authorization: Bearer ${KEY}`];
      assert.equal(await output(TOOLS.curl, [...args, `${url()}/v1/webhooks`]), '{}');
    }
    const grpcurl = ['-cacert', caFile, '-H', `authorization: Bearer ${KEY}`, `localhost:${port}`];
    assert.match(await output(TOOLS.grpcurl, [...grpcurl, 'list']), /carillon\.v1\.WebhookService/);
    const seen = await carillon.logged(({ rpc }) => rpc === 'carillon.v1.WebhookService/List', 5);
    assert.deepEqual(seen.map(({ protocol }) => protocol).toSorted(), [
      'connect',
      'grpc',
      'grpc-web',
      'http',
      'http',
    ]);
  });

  it('passes on streams, both ways, as they come', async () => {
    const grpc = createGrpcTransport({ baseUrl: url(), nodeOptions: { ca } });
    const [events, deliveries] = [createClient(EventService, grpc), createClient(DeliveryService, grpc)];
    const { promise: answered, resolve } = Promise.withResolvers<void>();
    const requests = (async function* () {
      yield { request: { event: { type: 'a' } } };
      await answered;
      yield { request: { event: { type: 'b' } } };
    })();
    let count = 0;
    for await (const { result } of events.publishStream(requests, bearing)) {
      assert.equal(result?.result.case, 'response');
      count++;
      resolve();
    }
    assert.equal(count, 2);

    // Nothing is kept back until there is more: the first answer comes while the stream goes on.
    for await (const { resumeToken } of deliveries.watchDeliveries({}, bearing)) {
      assert.notEqual(resumeToken, '');
      break;
    }
    const watch = ['-sSN', '--max-time', '2', '--cacert', caFile, '-H', `authorization: Bearer ${KEY}`];
    const { stdout } = await run(TOOLS.curl, [...watch, `${url()}/v1/deliveries:watch`]);
    assert.match(stdout, /^(?::|event:|data:)/m);
  });

  it('says who has called, and not what its caller says', async () => {
    const args = [
      '-sS',
      '--cacert',
      caFile,
      '--interface',
      '127.0.0.2',
      '-H',
      'x-forwarded-for: 203.0.113.7',
    ];
    await output(TOOLS.curl, [...args, `${url()}/v1/events`]);
    const grpc = [
      '--http2',
      '-X',
      'POST',
      '-H',
      'content-type: application/grpc',
      '-H',
      'te: trailers',
      '--data-binary',
      '',
    ];
    await output(TOOLS.curl, [
      ...args,
      ...grpc,
      '-o',
      '/dev/null',
      `${url()}/carillon.v1.EventService/ListEvents`,
    ]);
    const [http, native] = await carillon.logged(
      ({ rpc }) => rpc === 'carillon.v1.EventService/ListEvents',
      2,
    );
    assert.deepEqual([http?.address, http?.code], ['127.0.0.2', 'unauthenticated']);
    assert.deepEqual([native?.address, native?.code], ['127.0.0.2', 'unauthenticated']);
  });

  it('lets no page of another origin in, nor one of its name without TLS', async () => {
    const status = async (origin: string) => {
      const args = [
        '-sS',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        '--cacert',
        caFile,
        '-H',
        `origin: ${origin}`,
      ];
      return output(TOOLS.curl, [...args, '-H', `authorization: Bearer ${KEY}`, `${url()}/v1/webhooks`]);
    };
    assert.equal(await status(url()), '200');
    assert.equal(await status(url().replace('https', 'http')), '403');
    assert.equal(await status('https://evil.example'), '403');
  });
});

/** Resolves when something listens there. */
async function listens(port: number): Promise<void> {
  for (;;) {
    const socket = connect({ host: '127.0.0.1', port });
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
