import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCarillon, startCarillon, temporaryFolder } from '../support/server.ts';

describe('a start that cannot succeed', () => {
  it('is refused with one line when another process has the database', async () => {
    await using first = await startCarillon({ command: 'serve' });
    await using second = runCarillon(['serve', '--listen', '127.0.0.1:0', '--grpc-listen', 'off'], {
      cwd: first.folder,
    });
    assert.deepEqual(await second.exited, { code: 1, signal: null });
    assert.match(second.output.stderr, /^carillon: .*carillon\.db.*\n$/);
    assert.equal(second.output.stdout, '');
    assert.equal((await fetch(`${first.url}/webhooks`)).status, 200);
  });

  it('is refused with one line when another program has the port', async () => {
    await using first = await startCarillon({ command: 'serve' });
    await using folder = await temporaryFolder();
    const address = `127.0.0.1:${first.port}`;
    await using second = runCarillon(['serve', '--listen', address, '--grpc-listen', 'off'], {
      cwd: folder.path,
    });
    assert.deepEqual(await second.exited, { code: 1, signal: null });
    assert.match(second.output.stderr, /^carillon: .* already in use; choose another with --listen\n$/);
    assert.ok(second.output.stderr.includes(address));
  });

  it('is refused with one line that names an unknown flag', async () => {
    await using folder = await temporaryFolder();
    await using program = runCarillon(['serve', '--retension', '3d'], { cwd: folder.path });
    assert.deepEqual(await program.exited, { code: 2, signal: null });
    assert.match(program.output.stderr, /^carillon: .*--retension.*\n$/);
    assert.equal(program.output.stdout, '');
  });

  it('is refused with one line that names a setting with a bad value', async () => {
    await using folder = await temporaryFolder();
    const env = { CARILLON_RETENTION: 'for ever' };
    await using program = runCarillon(['serve'], { cwd: folder.path, env });
    assert.deepEqual(await program.exited, { code: 2, signal: null });
    assert.match(program.output.stderr, /^carillon: .*CARILLON_RETENTION.*\n$/);
  });
});
