import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { PublishRequestSchema } from '../../gen/carillon/v1/event_pb.ts';
import { watchHealth } from '../support/health.ts';
import { type Answer, WAYS } from '../support/publishers.ts';
import { type CarillonProcess, runCarillon, startCarillon, temporaryFolder } from '../support/server.ts';

const LISTEN = ['--listen', '127.0.0.1:0', '--grpc-listen', '127.0.0.1:0'];

/** Registers a webhook, and returns the answer's status. */
async function register({ url }: CarillonProcess, name: string): Promise<number> {
  const body = JSON.stringify({ name, destination: 'http://127.0.0.1:18999/', eventTypes: ['x.y'] });
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${url}/webhooks`, { method: 'POST', headers, body })).status;
}

async function registered({ url }: CarillonProcess): Promise<string[]> {
  const { webhooks = [] } = (await (await fetch(`${url}/webhooks`)).json()) as {
    webhooks?: { name: string }[];
  };
  return webhooks.map(({ name }) => name).sort();
}

function start(cwd: string, ...args: string[]): Promise<CarillonProcess> {
  return startCarillon({ command: 'serve', cwd, args: ['--allow-destinations', '127.0.0.0/8', ...args] });
}

/** What a start that is refused says, which is one line. */
async function refusal(cwd: string, ...args: string[]): Promise<string> {
  await using program = runCarillon(['serve', ...LISTEN, ...args], { cwd });
  assert.deepEqual(await program.exited, { code: 1, signal: null }, program.output.stdout);
  assert.match(program.output.stderr, /^carillon: .*\n$/);
  return program.output.stderr;
}

async function publish(server: CarillonProcess, way: keyof typeof WAYS): Promise<Answer> {
  await using publisher = WAYS[way](server);
  const [answer] = await publisher.publish([create(PublishRequestSchema, { event: { type: 'a.b' } })]);
  return answer!;
}

describe('a server whose database file is taken away while it runs', () => {
  it('says NOT_SERVING on both ports, refuses what would be lost, and goes on once the file is back', async () => {
    await using folder = await temporaryFolder();
    await using server = await start(folder.path);
    const file = join(folder.path, 'carillon.db');
    assert.equal(await register(server, 'before'), 201);
    await using one = await watchHealth(server.url);
    await using two = await watchHealth(`http://${server.grpcAddress}`);
    assert.deepEqual([await one.next(), await two.next()], ['SERVING', 'SERVING']);

    renameSync(file, `${file}.away`);
    // At once, and not only once the watch has seen it.
    assert.equal(await register(server, 'lost'), 503);
    for (const way of ['Connect with JSON', 'native gRPC', 'PublishBatch over native gRPC'] as const) {
      const message = /carillon\.db was moved or deleted while it was in use/;
      await assert.rejects(publish(server, way), { code: Code.Unavailable, message }, way);
    }
    assert.deepEqual([await one.next(), await two.next()], ['NOT_SERVING', 'NOT_SERVING']);
    const probed = async () => [
      (await fetch(`${server.url}/livez`)).status,
      (await fetch(`${server.url}/readyz`)).status,
    ];
    assert.deepEqual(await probed(), [200, 503]);

    renameSync(`${file}.away`, file);
    assert.deepEqual([await one.next(), await two.next()], ['SERVING', 'SERVING']);
    assert.deepEqual(await probed(), [200, 200]);
    assert.equal(await register(server, 'after'), 201);
    assert.deepEqual(await registered(server), ['after', 'before']);
  });

  it('keeps what it acknowledged when its log is deleted and it is killed after that', async () => {
    await using folder = await temporaryFolder();
    await using server = await start(folder.path);
    assert.equal(await register(server, 'before'), 201);
    await using health = await watchHealth(server.url);
    assert.equal(await health.next(), 'SERVING');
    rmSync(join(folder.path, 'carillon.db-wal'));
    let status = 0;
    for (let tries = 0; status !== 201; tries++) {
      status = await register(server, 'after');
      assert.ok(status === 201 || status === 503);
      assert.ok(tries < 100_000);
    }
    await server.stop('SIGKILL');
    await using next = await start(folder.path);
    assert.deepEqual(await registered(next), ['after', 'before']);
  });
});

describe('a second server on the same file', () => {
  it('is refused under another name of the file, in another folder too, and the first goes on', async () => {
    await using folder = await temporaryFolder();
    await using server = await start(folder.path);
    const file = join(folder.path, 'carillon.db');
    mkdirSync(join(folder.path, 'other'));
    linkSync(file, join(folder.path, 'other', 'hard.db'));
    symlinkSync(file, join(folder.path, 'other', 'soft.db'));
    symlinkSync(folder.path, join(folder.path, 'other', 'folder'));
    const key = ['--secrets-key-file', `${file}.key`];
    const hard = await refusal(folder.path, '--db', 'other/hard.db', ...key);
    assert.match(hard, /hard\.db is open in another program, .* it was last used as .*carillon\.db; stop/);
    for (const db of ['other/soft.db', 'other/folder/carillon.db']) {
      assert.match(await refusal(folder.path, '--db', db), /in use by another Carillon \(process \d+\)/);
    }
    assert.equal(await register(server, 'kept'), 201);
    await server.stop('SIGTERM');
    // Once nobody has it, it is as good as another name.
    await using next = await start(folder.path, '--db', 'other/hard.db', ...key);
    assert.deepEqual(await registered(next), ['kept']);
    assert.match(await refusal(folder.path), /carillon\.db is open in another program/);
  });

  it('is refused although the file of the lock was deleted, and deleted again', async () => {
    await using folder = await temporaryFolder();
    await using server = await start(folder.path);
    for (let i = 0; i < 2; i++) {
      rmSync(join(folder.path, 'carillon.db-lock'));
      assert.match(await refusal(folder.path), /carillon\.db-lock was deleted; stop that program first/);
      assert.match(await refusal(folder.path), /carillon\.db-lock was deleted; stop that program first/);
    }
    assert.equal(await register(server, 'kept'), 201);
    await server.stop('SIGKILL');
    await using next = await start(folder.path);
    assert.deepEqual(await registered(next), ['kept']);
  });

  it('is not taken for one that only reads: a start goes on while a shell has the file open', async () => {
    await using folder = await temporaryFolder();
    await using server = await start(folder.path);
    assert.equal(await register(server, 'kept'), 201);
    const reader = new DatabaseSync(join(folder.path, 'carillon.db'), { readOnly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM webhooks').get();
    await server.stop('SIGTERM');
    await using next = await start(folder.path);
    assert.deepEqual(await registered(next), ['kept']);
    reader.close();
  });
});

describe('a database that is not all there', () => {
  it('is refused after a kill and the loss of its log, until told that this is meant', async () => {
    await using folder = await temporaryFolder();
    await using server = await start(folder.path);
    assert.equal(await register(server, 'lost'), 201);
    await server.stop('SIGKILL');
    rmSync(join(folder.path, 'carillon.db-wal'));
    const refused =
      /carillon\.db is older .*: its log .*carillon\.db-wal is missing.*start once with --restored/;
    assert.match(await refusal(folder.path), refused);
    rmSync(join(folder.path, 'carillon.db-shm'), { force: true });
    assert.match(await refusal(folder.path), refused);
    await using next = await start(folder.path, '--restored');
    assert.deepEqual(await registered(next), []);
    await next.stop('SIGTERM');
    await using usual = await start(folder.path);
    assert.equal(await register(usual, 'kept'), 201);
  });

  it('is refused as a copy of the file alone, and taken with its log', async () => {
    await using folder = await temporaryFolder();
    await using server = await start(folder.path);
    assert.equal(await register(server, 'kept'), 201);
    const [alone, whole] = ['alone', 'whole'].map((name) => join(folder.path, name));
    for (const copy of [alone!, whole!]) {
      mkdirSync(copy);
      for (const file of ['carillon.db', 'carillon.db.key']) {
        copyFileSync(join(folder.path, file), join(copy, file));
      }
    }
    copyFileSync(join(folder.path, 'carillon.db-wal'), join(whole!, 'carillon.db-wal'));
    assert.match(await refusal(alone!), /carillon\.db is not whole: .* its log .* is missing/);
    await using copy = await start(whole!);
    assert.deepEqual(await registered(copy), ['kept']);
  });

  it('is refused where it is missing beside its key', async () => {
    await using folder = await temporaryFolder();
    await using server = await start(folder.path);
    await server.stop('SIGTERM');
    rmSync(join(folder.path, 'carillon.db'));
    assert.match(await refusal(folder.path), /carillon\.db is missing or empty, but its key .* is there/);
    assert.equal(existsSync(join(folder.path, 'carillon.db')), false);
    rmSync(join(folder.path, 'carillon.db-generation'));
    assert.match(await refusal(folder.path), /carillon\.db is missing or empty, but its key .* is there/);
    await using next = await start(folder.path, '--restored');
    assert.deepEqual(await registered(next), []);
  });

  it('is whole as SQLite copies it while it is in use, in a new place as in its own', async () => {
    await using folder = await temporaryFolder();
    await using server = await start(folder.path);
    assert.equal(await register(server, 'early'), 201);
    const file = join(folder.path, 'carillon.db');
    const source = new DatabaseSync(file, { readOnly: true });
    await backup(source, join(folder.path, 'copied.db'));
    source.exec(`VACUUM INTO '${join(folder.path, 'vacuumed.db')}'`);
    source.close();
    const kept = join(folder.path, 'kept.db');
    copyFileSync(join(folder.path, 'copied.db'), kept);
    assert.equal(await register(server, 'late'), 201);
    for (const name of ['copied.db', 'vacuumed.db']) {
      const key = ['--secrets-key-file', `${file}.key`];
      await using copy = await start(folder.path, '--db', name, ...key);
      assert.deepEqual(await registered(copy), ['early'], name);
      await copy.stop('SIGTERM');
    }
    await server.stop('SIGTERM');
    copyFileSync(kept, file);
    assert.match(await refusal(folder.path), /carillon\.db is older than the database that was here last/);
    await using restored = await start(folder.path, '--restored');
    assert.deepEqual(await registered(restored), ['early']);
  });
});

describe('a path at which no database can be', () => {
  it('is said to be that, and nothing is left anywhere', async () => {
    await using folder = await temporaryFolder();
    assert.match(await refusal(folder.path, '--db', 'nowhere/x.db'), /there is no folder .*nowhere; make it/);
    assert.match(await refusal(folder.path, '--db', '.'), /it is a folder; give the path of a file/);
    const before = readdirSync('/dev').filter((name) => name.startsWith('null'));
    assert.match(await refusal(folder.path, '--db', '/dev/null'), /it is a device; give the path of a file/);
    assert.deepEqual(
      readdirSync('/dev').filter((name) => name.startsWith('null')),
      before,
    );
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it('by way of a link is that of its target, key and all', async () => {
    await using folder = await temporaryFolder();
    await using server = await start(folder.path);
    assert.equal(await register(server, 'kept'), 201);
    await server.stop('SIGTERM');
    symlinkSync('carillon.db', join(folder.path, 'link.db'));
    await using linked = await start(folder.path, '--db', 'link.db');
    assert.deepEqual(await registered(linked), ['kept']);
    assert.equal(statSync(join(folder.path, 'link.db.key'), { throwIfNoEntry: false }), undefined);
  });
});
