import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { commandsOf, runCommands } from '../support/commands.ts';
import { ROOT } from '../support/docs.ts';
import { startCarillon, temporaryFolder } from '../support/server.ts';

const PAGE = 'docs/verifying.md';

it('the page about verifying has commands that send something to its programs', async () => {
  await using carillon = await startCarillon({ command: 'dev' });
  assert.deepEqual(commandsOf(PAGE), ['register', 'publish']);
  const registered = await runCommands(PAGE, 'register', carillon);
  assert.match(registered, /^secret +whsec_/m);
  assert.match(registered, /^destination +http:\/\/127\.0\.0\.1:4000\/$/m);
  assert.match(await runCommands(PAGE, 'publish', carillon), /published, 1 delivery/);
});

it('plain.mjs refuses what was tampered with, also on a Node that knows no import.meta.filename', async () => {
  await using folder = await temporaryFolder();
  // Node 18, and 20 before 20.11, have none.
  const older = `import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const source = url.endsWith('plain.mjs') ? 'import.meta.filename = undefined;' + loaded.source : loaded.source;
    return { ...loaded, source };
  },
});
`;
  await writeFile(join(folder.path, 'older.mjs'), older);
  const secret = Buffer.alloc(24, 7);
  const [id, time] = ['msg_1', String(Math.floor(Date.now() / 1000))];
  const signature = `v1,${createHmac('sha256', secret).update(`${id}.${time}.paid`).digest('base64')}`;
  const verifying = (input: string, ...options: string[]) =>
    spawnSync(
      process.execPath,
      [...options, join(ROOT, 'examples/verify/node/plain.mjs'), id, time, signature],
      {
        input,
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '', WEBHOOK_SECRET: `whsec_${secret.toString('base64')}` },
      },
    );
  for (const options of [[], ['--import', join(folder.path, 'older.mjs')]]) {
    const genuine = verifying('paid', ...options);
    assert.deepEqual([genuine.status, genuine.stdout], [0, 'genuine\n'], genuine.stderr);
    const tampered = verifying('paid twice', ...options);
    assert.equal(tampered.status, 1);
    assert.match(tampered.stderr, /no signature matches/);
  }
});
