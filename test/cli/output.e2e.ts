import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { VERSION } from '../../src/server/version.ts';
import { startCarillon } from '../support/server.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const PATIENCE = { timeout: 300_000 };

describe('what carillon dev prints', PATIENCE, () => {
  it('is a banner whose command registers a webhook that rings the inbox', async () => {
    await using carillon = await startCarillon({ command: 'dev', args: ['--default-every', '1s'] });
    const { stdout } = carillon.output;
    assert.ok(stdout.includes(`  Carillon ${VERSION}\n`), stdout);
    assert.ok(stdout.includes(`Inbox  ${carillon.url}/inbox/hello\n`), stdout);
    assert.ok(stdout.includes(`Data   ${join(carillon.folder, 'carillon.db')}\n`), stdout);
    const command = /curl .*?'\n\n/s.exec(stdout)?.[0] ?? assert.fail(stdout);
    const answer: unknown = JSON.parse(
      execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: 'pipe' }),
    );
    assert.ok(typeof answer === 'object' && answer !== null && 'webhook' in answer, JSON.stringify(answer));
    const dispatched = `Webhook to '${carillon.url}/inbox/hello' dispatched, response code: 200`;
    await carillon.logged(({ msg }) => msg === dispatched);
    assert.deepEqual(await carillon.stop('SIGINT'), { code: 0, signal: null });
    assert.equal(carillon.output.stderr, '');
  });
});

describe('what carillon serve prints', PATIENCE, () => {
  it('is JSON lines and nothing else, from the key that it makes to that it has stopped', async () => {
    await using carillon = await startCarillon({ command: 'serve' });
    await carillon.stop('SIGTERM');
    const { stdout, stderr, log } = carillon.output;
    assert.equal(stderr, '');
    assert.equal(log.length, stdout.trimEnd().split('\n').length);
    const [first, second, last] = [log[0], log[1], log.at(-1)];
    assert.match(first?.msg ?? '', /carillon\.db\.key is new: it has the key that seals secrets in /);
    assert.deepEqual(
      [second?.msg, second?.level, second?.url, second?.version, last?.msg],
      ['listening', 'info', carillon.url, VERSION, 'stopped'],
    );
  });
});

describe('when the reader of what it prints goes away', PATIENCE, () => {
  for (const args of [['serve'], ['dev'], ['dev', '--log-format', 'pretty']]) {
    it(`carillon ${args.join(' ')} goes on, and still stops cleanly`, async () => {
      const listen = ['--listen', '127.0.0.1:0', '--grpc-listen', '127.0.0.1:0'];
      const argv = [MAIN, ...args, ...listen, '--db', ':memory:'];
      const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
      const closed = once(child, 'close');
      let stderr = '';
      child.stderr.on('data', (text) => {
        stderr += String(text);
      });
      try {
        const [text] = await once(child.stdout, 'data');
        const url = /http:\/\/127\.0\.0\.1:\d+/.exec(String(text))?.[0] ?? assert.fail(String(text));
        child.stdout.destroy();
        // Each is a log line that nobody reads.
        for (let i = 0; i < 3; i++) assert.equal(await list(url), 200);
        child.kill('SIGTERM');
        assert.deepEqual(await closed, [0, null]);
        assert.equal(stderr, '');
      } finally {
        child.kill('SIGKILL');
      }
    });
  }
});

/** Calls the API once, on a connection of its own. */
async function list(url: string): Promise<number> {
  const response = await fetch(`${url}/webhooks`, { headers: { connection: 'close' } });
  await response.arrayBuffer();
  return response.status;
}
