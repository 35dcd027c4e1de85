import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CarillonProcess, runCarillon, startCarillon, temporaryFolder } from '../support/server.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const PATIENCE = { timeout: 300_000 };

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a client in a process of its own, as a person would, and waits for its end. */
async function carillon(server: CarillonProcess, argv: readonly string[], input = ''): Promise<Ran> {
  const child = spawn(process.execPath, [MAIN, ...argv], {
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', CARILLON_ADDRESS: server.url },
    stdio: 'pipe',
  });
  const read = async (stream: AsyncIterable<string>) => (await collected(stream)).join('');
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdin.end(input);
  const [out, err] = await Promise.all([
    read(child.stdout.setEncoding('utf8')),
    read(child.stderr.setEncoding('utf8')),
  ]);
  return { code: await ended, out, err };
}

async function collected(stream: AsyncIterable<string>): Promise<string[]> {
  const chunks: string[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** The result of a command that went well, as JSON. */
async function json(server: CarillonProcess, argv: readonly string[], input?: string) {
  const { code, out, err } = await carillon(server, [...argv, '--json'], input);
  assert.deepEqual([code, err], [0, ''], argv.join(' '));
  return JSON.parse(out);
}

/** Asks until the answer is as it should be. */
async function eventually<T>(ask: () => Promise<T>, good: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 60; tries++) {
    const answer = await ask();
    if (good(answer)) return answer;
    await sleep(200);
  }
  assert.fail('it never was as it should be');
}

describe('the commands that are clients of the API', PATIENCE, () => {
  it('lead from a webhook through an event to its delivery, and again, in tables and JSON', async () => {
    await using server = await startCarillon({ command: 'dev' });
    const inbox = `${server.url}/inbox/orders`;
    const register = ['webhooks', 'register', '--name', 'orders', '--destination', inbox];
    const registered = await carillon(server, [
      ...register,
      '--event-type',
      'order.*',
      '--event-format',
      'raw',
    ]);
    assert.match(registered.out, /^Registered\.\n\nsecret +whsec_\S+ \(shown this once\)\n/);
    const { webhooks } = await json(server, ['webhooks', 'list']);
    const [webhook] = webhooks;
    assert.match(
      (await carillon(server, ['webhooks', 'list'])).out,
      /^ID .*\nwh_\S+ +orders +ACTIVE +order\.\* +http/,
    );

    const data = '{ "amount": 9007199254740993 }\n';
    const publish = ['events', 'publish', 'order.paid', '--data', '-'];
    assert.deepEqual(await json(server, [...publish, '--id', 'order-7'], data), {
      id: 'order-7',
      deliveryCount: 1,
      duplicate: false,
    });
    const list = ['deliveries', 'list', '--webhook', 'orders'];
    const { deliveries } = await eventually(
      () => json(server, list),
      (answer) => answer.deliveries[0]?.state === 'STATE_SUCCEEDED',
    );
    const [delivery] = deliveries;
    assert.deepEqual(
      [delivery.eventId, delivery.eventType, delivery.webhookId],
      ['order-7', 'order.paid', webhook.id],
    );
    assert.match(
      (await carillon(server, list)).out,
      /\nmsg_\S+ .* SUCCEEDED +1 +200 +order\.paid +order-7 +orders\n/,
    );

    const got = await carillon(server, ['deliveries', 'get', delivery.id, '--full']);
    assert.match(got.out, /^state +SUCCEEDED$/m);
    assert.match(got.out, /^> content-type: application\/json$/m);
    assert.match(got.out, /^> webhook-signature: v1,/m);
    assert.match(got.out, /^< 200$/m);
    const event = await carillon(server, ['events', 'get', 'order-7']);
    assert.ok(event.out.includes(data.trim()), event.out);
    assert.match((await carillon(server, ['events', 'list'])).out, /\norder-7 +\S+( ago)? +order\.paid/);

    const replay = ['events', 'replay', '--id', 'order-7', '--webhook', 'orders'];
    assert.equal(
      (await carillon(server, [...replay, '--validate-only'])).out,
      '1 event, 1 delivery would be made\n',
    );
    assert.equal((await carillon(server, replay)).out, '1 event, 1 delivery made\n');
    const again = await eventually(
      () => json(server, [...list, '--event', 'order-7', '--state', 'succeeded']),
      (answer) => answer.deliveries.length === 2,
    );
    assert.equal(again.deliveries[0].replayOf, delivery.id);

    const removed = await carillon(server, ['webhooks', 'remove', 'orders']);
    assert.equal(removed.out, `removed ${webhook.id}\n`);
  });

  it('send again what failed, give up what waits, and erase what was told', async () => {
    await using server = await startCarillon({ command: 'dev' });
    const closed = ['--destination', 'http://127.0.0.1:59999/', '--event-type', 'x', '--retry-delay', '1h'];
    await json(server, ['webhooks', 'register', '--name', 'once', '--max-attempts', '1', ...closed]);
    await json(server, [
      'webhooks',
      'register',
      '--name',
      'patient',
      '--max-attempts',
      '9',
      ...closed.with(1, 'http://127.0.0.1:59998/'),
    ]);
    await json(server, ['events', 'publish', 'x', '--id', 'x-1', '--data', 'secret']);
    const stateOf = (name: string) => async () =>
      (await json(server, ['deliveries', 'list', '--webhook', name])).deliveries[0];
    await eventually(stateOf('once'), ({ state }) => state === 'STATE_FAILED');
    const waiting = await eventually(stateOf('patient'), ({ attemptCount }) => attemptCount === 1);
    assert.equal(waiting.state, 'STATE_PENDING');

    assert.equal(
      (await carillon(server, ['deliveries', 'retry', '--webhook', 'once'])).out,
      '1 delivery is sent again\n',
    );
    await eventually(
      stateOf('once'),
      ({ state, attemptCount }) => state === 'STATE_FAILED' && attemptCount === 2,
    );
    assert.equal((await carillon(server, ['deliveries', 'cancel', waiting.id])).code, 0);
    const cancelled = await eventually(stateOf('patient'), ({ state }) => state !== 'STATE_PENDING');
    assert.deepEqual([cancelled.state, cancelled.stateReason], ['STATE_CANCELLED', 'REQUESTED']);

    assert.equal(
      (await carillon(server, ['events', 'purge', 'x-1'])).out,
      'erased, and 0 waiting deliveries cancelled\n',
    );
    const gone = await carillon(server, ['deliveries', 'retry', waiting.id]);
    assert.deepEqual([gone.code, gone.out], [1, '']);
    assert.match(
      gone.err,
      /^carillon: delivery \S+ cannot be sent again: its event's data was erased \(FAILED_PRECONDITION\)\n/,
    );
  });

  it('refuse in the words of the server, on stderr, with 1 and 2', async () => {
    await using server = await startCarillon({ command: 'dev' });
    const wrong = await carillon(server, ['webhooks', 'register', '--name', 'x', '--destination', 'nowhere']);
    assert.deepEqual([wrong.code, wrong.out], [2, '']);
    assert.match(wrong.err, /^carillon: .*\n {2}--destination \(webhook\.destination\): /);
    const unknown = await carillon(server, ['deliveries', 'get', 'msg_none']);
    assert.deepEqual([unknown.code, unknown.out], [1, '']);
    assert.equal(unknown.err, 'carillon: there is no delivery msg_none (NOT_FOUND)\n');
  });

  it('print all of a long answer to a slow reader', async () => {
    await using server = await startCarillon({ command: 'dev' });
    const text = 'x'.repeat(4000);
    for (let n = 0; n < 400; n++) {
      const webhook = {
        name: 'many',
        destination: `${server.url}/inbox/${n}`,
        labels: {},
        payload: { text },
      };
      await (
        await fetch(`${server.url}/webhooks`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(webhook),
        })
      ).arrayBuffer();
    }
    const argv = [MAIN, 'webhooks', 'list', '--limit', '400', '--json', '--address', server.url];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    // Longer than the process would linger for what it prints.
    await sleep(3000);
    const out = (await collected(child.stdout.setEncoding('utf8'))).join('');
    assert.equal(JSON.parse(out).webhooks.length, 400);
  });
});

describe('carillon deliveries watch', PATIENCE, () => {
  it('goes on where it was when the server was away, and ends at a signal', async () => {
    await using folder = await temporaryFolder();
    const options = { command: 'dev', cwd: folder.path, args: ['--default-every', '1s'] } as const;
    const first = await startCarillon(options);
    const register = async (server: CarillonProcess) =>
      json(server, ['webhooks', 'register', '--name', 'tick', '--destination', `${server.url}/inbox/tick`]);
    await register(first);
    const args = ['deliveries', 'watch', '--json', '--address', first.url];
    await using watch = runCarillon(args, { cwd: folder.path });
    type Line = { delivery: { id: string }; resumeToken: string };
    const lines = () =>
      watch.output.stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line);
    await watch.printed(() => (lines().length >= 2 ? true : undefined));
    await first.stop('SIGKILL');
    await using second = await startCarillon({ ...options, args: ['--listen', `127.0.0.1:${first.port}`] });
    const before = lines().length;
    await watch.printed(() => (lines().length >= before + 2 ? true : undefined));
    assert.match(watch.output.stderr, /^carillon: the server is away; waiting for it …\n/);
    assert.deepEqual(await watch.stop('SIGINT'), { code: 0, signal: null });
    assert.match(watch.output.stderr, /carillon: go on with --resume \S+\n$/);
    const tokens = lines().map(({ resumeToken }) => resumeToken);
    assert.equal(new Set(tokens).size, tokens.length, 'something was told twice');
    const { deliveries } = await json(second, [
      'deliveries',
      'list',
      '--limit',
      '100',
      '--state',
      'succeeded',
    ]);
    const seen = new Set(lines().map(({ delivery }) => delivery.id));
    const oldest = deliveries.findIndex(({ id }: { id: string }) => id === lines()[0]?.delivery.id);
    const newest = deliveries.findIndex(({ id }: { id: string }) => id === lines().at(-1)?.delivery.id);
    for (const { id } of deliveries.slice(newest, oldest)) assert.ok(seen.has(id), `${id} was left out`);
  });

  it('ends when its reader goes away', async () => {
    await using server = await startCarillon({ command: 'dev', args: ['--default-every', '1s'] });
    await json(server, [
      'webhooks',
      'register',
      '--name',
      'tick',
      '--destination',
      `${server.url}/inbox/tick`,
    ]);
    const argv = [MAIN, 'deliveries', 'watch', '--address', server.url];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.stdout.destroy();
    assert.equal(await ended, 0);
  });
});
