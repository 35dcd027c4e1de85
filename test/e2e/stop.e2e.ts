import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connectCall, type Json } from '../support/call.ts';
import { ROOT } from '../support/docs.ts';
import { watchHealth } from '../support/health.ts';
import { type Exchange, hang, openReceiver, type Receiver } from '../support/receiver.ts';
import { runProgram, startCarillon, temporaryFolder } from '../support/server.ts';

const STOPPED = { code: 0, signal: null };

/** A webhook that rings only when it is triggered, one request at a time. */
async function registerQuiet(url: string, receiver: Receiver): Promise<string> {
  const schedule = { cron: '0 0 1 1 *' };
  const webhook = { name: 'joe', destination: `${receiver.url}/hook`, schedule, limits: { ordered: true } };
  const { webhook: registered } = await connectCall(url)('WebhookService/Register', { webhook });
  return String((registered as Json).id);
}

async function trigger(url: string, id: string): Promise<string> {
  const { deliveryId } = await connectCall(url)('WebhookService/Trigger', { id });
  return String(deliveryId);
}

function options(cwd: string, stopTimeout: string) {
  const args = ['--allow-destinations', '127.0.0.0/8', '--stop-timeout', stopTimeout];
  return { command: 'serve', cwd, args } as const;
}

describe('a server that is asked to stop', () => {
  it('says NOT_SERVING, waits for what is in flight, sends nothing more and exits with 0', async () => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    await using first = await startCarillon(options(folder.path, '60s'));
    const held = Promise.withResolvers<Exchange>();
    receiver.script(held.resolve);
    const id = await registerQuiet(first.url, receiver);
    const deliveries = [await trigger(first.url, id), await trigger(first.url, id)];
    const { response } = await held.promise;

    await using health = await watchHealth(first.url);
    assert.equal(await health.next(), 'SERVING');
    first.kill('SIGTERM');
    assert.equal(await health.next(), 'NOT_SERVING');
    response.writeHead(200).end();
    assert.deepEqual(await first.exited, STOPPED);
    assert.deepEqual(idsOf(receiver), deliveries.slice(0, 1));

    await using second = await startCarillon(options(folder.path, '1s'));
    await receiver.received(2);
    assert.deepEqual(idsOf(receiver), deliveries);
    const call = connectCall(second.url);
    const { delivery } = await call('DeliveryService/GetDelivery', { id: deliveries[0] });
    assert.deepEqual((delivery as Json).state, 'STATE_SUCCEEDED');
  });

  it('goes on after SIGHUP and SIGUSR1, says why, and opens no port for a debugger', async () => {
    await using folder = await temporaryFolder();
    await using carillon = await startCarillon(options(folder.path, '1s'));
    for (const signal of ['SIGHUP', 'SIGUSR1'] as const) {
      carillon.kill(signal);
      await carillon.logged(
        (line) => line.signal === signal && /restart it|no debugger/.test(String(line.msg)),
      );
    }
    assert.doesNotMatch(carillon.output.stderr, /Debugger listening/);
    assert.deepEqual(await carillon.stop('SIGQUIT'), STOPPED);
  });

  it('waits no longer than its deadline, and sends again with the same id after the next start', async () => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    await using first = await startCarillon(options(folder.path, '300ms'));
    receiver.script(hang());
    const delivery = await trigger(first.url, await registerQuiet(first.url, receiver));
    await receiver.received(1);
    assert.deepEqual(await first.stop('SIGTERM'), STOPPED);

    await using _second = await startCarillon(options(folder.path, '1s'));
    await receiver.received(2);
    assert.deepEqual(idsOf(receiver), [delivery, delivery]);
  });

  it('stops with the npm that started it, which is killed and tells nobody', {
    timeout: 60_000,
  }, async () => {
    await using folder = await temporaryFolder();
    const listen = [
      '--listen',
      '127.0.0.1:0',
      '--grpc-listen',
      'off',
      '--db',
      join(folder.path, 'carillon.db'),
    ];
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith('CARILLON_')),
    );
    await using npm = runProgram('npm', ['start', '--', ...listen], { cwd: ROOT, env });
    const url = await npm.printed(({ stdout }) => /API +(http:\S+)/.exec(stdout)?.[1]);
    assert.equal((await fetch(`${url}/livez`)).status, 200);
    npm.kill('SIGTERM');
    // Its output ends when all who have it have ended: npm, the shell, and the server.
    await npm.exited;
    await assert.rejects(fetch(`${url}/livez`));
  });

  it('ends at once when it is asked again', async () => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    await using carillon = await startCarillon(options(folder.path, '10m'));
    receiver.script(hang());
    await trigger(carillon.url, await registerQuiet(carillon.url, receiver));
    await receiver.received(1);
    carillon.kill('SIGINT');
    await carillon.logged(({ msg }) => msg === 'stopping');
    // What a shell reports of a process that SIGINT ended.
    assert.deepEqual(await carillon.stop('SIGINT'), { code: 130, signal: null });
  });
});

function idsOf({ requests }: Receiver): unknown[] {
  return requests.map(({ headers }) => headers['webhook-id']);
}
