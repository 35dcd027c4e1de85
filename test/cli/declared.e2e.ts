import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runClientProcess } from '../support/client-process.ts';
import { startCarillon, temporaryFolder } from '../support/server.ts';

describe('webhooks in files, with real files and processes', { timeout: 300_000 }, () => {
  it('are applied from folders, links and standard input, exported, and applied to another server', async () => {
    await using one = await startCarillon({ command: 'dev' });
    await using other = await startCarillon({ command: 'dev' });
    await using folder = await temporaryFolder();
    const { path: cwd } = folder;
    const hook = (id: string) =>
      `id: ${id}\nname: ${id}\ndestination: ${one.url}/inbox/${id}\nsigning: { secret: "\${SECRET}" }\n`;
    const write = (path: string, text: string) => writeFile(join(cwd, path), text);
    const run = (url: string, argv: readonly string[], input = '') =>
      runClientProcess(url, argv, {
        cwd,
        input,
        env: { SECRET: `whsec_${Buffer.alloc(24, 9).toString('base64')}` },
      });
    for (const path of ['hooks/deep/.hidden', '.elsewhere'])
      await mkdir(join(cwd, path), { recursive: true });
    await write('hooks/a.yaml', hook('a'));
    await write('hooks/deep/b.yml', hook('b'));
    await write('hooks/deep/.hidden/c.yaml', hook('hidden'));
    await write('hooks/.d.yaml', hook('hidden-too'));
    await write('hooks/README.md', 'not a webhook');
    await write('.elsewhere/e.yaml', hook('linked'));
    await symlink('../.elsewhere/e.yaml', join(cwd, 'hooks/e.yaml'));
    await symlink('..', join(cwd, 'hooks/circle'));

    const argv = ['apply', '-f', 'hooks', '-f', 'hooks/a.yaml', '-f', '-', '--yes'];
    const first = await run(
      one.url,
      argv,
      JSON.stringify({ id: 'piped', name: 'piped', destination: `${one.url}/inbox/p` }),
    );
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /^created a\ncreated b\ncreated linked\ncreated piped\n$/m);
    assert.match(first.err, /^carillon: a new webhook has a secret that was not shown/);
    assert.deepEqual(await run(one.url, ['apply', '-f', 'hooks', '--yes']), { code: 0, out: '', err: '' });

    await write('hooks/a.yaml', `${hook('a')}timeout: 20s\n`);
    const dry = await run(one.url, ['apply', '-f', 'hooks', '--dry-run', '--exit-code']);
    assert.deepEqual([dry.code, dry.err], [3, '']);
    assert.match(
      dry.out,
      /^~ a {2}hooks\/a\.yaml:1\n {4}timeout: \(none\) → 20s\n1 to change, 2 unchanged\n$/,
    );
    const unasked = await run(one.url, ['apply', '-f', 'hooks']);
    assert.deepEqual([unasked.code, unasked.out], [2, '']);
    await write('hooks/a.yaml', `${hook('a')}timeout: 20h\nnmae: x\n`);
    const wrong = await run(one.url, ['apply', '-f', 'hooks', '--yes']);
    assert.deepEqual([wrong.code, wrong.out], [2, '']);
    assert.match(wrong.err, /^hooks\/a\.yaml:6: there is no field "nmae" \(did you mean name\?\)/);
    await write('hooks/a.yaml', `${hook('a')}timeout: 20h\n`);
    assert.match((await run(one.url, ['apply', '-f', 'hooks', '--yes'])).err, /^hooks\/a\.yaml:5: timeout: /);

    const exported = await run(one.url, ['webhooks', 'export', '-o', 'out/new/']);
    assert.deepEqual([exported.code, exported.out], [0, '']);
    assert.deepEqual((await readdir(join(cwd, 'out/new'))).toSorted(), [
      'a.yaml',
      'b.yaml',
      'linked.yaml',
      'piped.yaml',
    ]);
    assert.doesNotMatch(await readFile(join(cwd, 'out/new/a.yaml'), 'utf8'), /whsec_/);
    assert.deepEqual(await run(one.url, ['apply', '-f', 'out/new', '--yes']), { code: 0, out: '', err: '' });
    assert.equal((await run(other.url, ['apply', '-f', 'out/new', '--yes'])).code, 0);
    assert.equal(
      (await run(other.url, ['webhooks', 'export'])).out,
      (await run(one.url, ['webhooks', 'export'])).out,
    );
  });

  it('are made of a crontab on standard input, and ring', async () => {
    await using server = await startCarillon({ command: 'dev', args: ['--every-min', '1s'] });
    await using folder = await temporaryFolder();
    const crontab = `* * * * * curl -m 5 -d a=b -o /dev/null ${server.url}/inbox/rung\n@reboot curl ${server.url}\n`;
    const argv = ['import-crontab', '-', '--yes', '--time-zone', 'UTC'];
    const { code, out, err } = await runClientProcess(server.url, argv, { cwd: folder.path, input: crontab });
    assert.deepEqual(
      [code, err.split('\n')[0]],
      [1, 'standard input:2: not imported: @reboot runs when a machine starts, and not by time'],
    );
    assert.match(out, /^created 127-0-0-1-inbox-rung\n127-0-0-1-inbox-rung rings next at .*\(UTC\)\n$/m);
    const trigger = await runClientProcess(server.url, ['webhooks', 'trigger', '127-0-0-1-inbox-rung'], {
      cwd: folder.path,
    });
    assert.equal(trigger.code, 0);
    let received = '';
    for (let tries = 0; tries < 50 && !received.includes('a=b'); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      received = await (await fetch(`${server.url}/inbox/rung/requests`)).text();
    }
    assert.match(received, /application\/x-www-form-urlencoded/);
  });
});
