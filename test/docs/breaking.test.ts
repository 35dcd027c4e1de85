import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type TemporaryFolder, temporaryFolder } from '../support/server.ts';

const ROOT = join(import.meta.dirname, '../..');
const SCRIPT = join(ROOT, 'scripts/breaking.ts');
const PROTO = 'proto/carillon/v1/webhook.proto';

describe('The comparison with the last release', () => {
  let folder: TemporaryFolder;
  before(async () => {
    folder = await temporaryFolder();
    for (const part of ['buf.yaml', 'proto', 'third_party']) {
      cpSync(join(ROOT, part), join(folder.path, part), { recursive: true });
    }
  });
  after(() => folder[Symbol.asyncDispose]());

  /** What the script says to proto files that were changed, and its exit code. */
  function compare(change: (text: string) => string = (text) => text) {
    const path = join(folder.path, PROTO);
    const text = readFileSync(path, 'utf8');
    const changed = change(text);
    writeFileSync(path, changed);
    const { status, stdout, stderr } = runScript();
    writeFileSync(path, text);
    return { status, said: stdout + stderr, changed: changed !== text };
  }

  function runScript(...args: string[]) {
    return spawnSync(process.execPath, [SCRIPT, ...args], { cwd: folder.path, encoding: 'utf8' });
  }

  it('says that there is none before the first', () => {
    rmSync(join(folder.path, 'releases'), { recursive: true, force: true });
    const { status, said } = compare();
    assert.equal(status, 0);
    assert.match(said, /nothing was released yet/);
  });

  it('takes what is the same or only adds, and refuses what breaks clients', () => {
    assert.equal(runScript('--write').status, 0);
    assert.deepEqual(compare(), { status: 0, said: '', changed: false });

    const added = compare((text) => `${text}\nmessage Addition {\n  string name = 1;\n}\n`);
    assert.deepEqual(added, { status: 0, said: '', changed: true });

    const removed = compare((text) => text.replace(/^ {2}string destination = \d+/m, '  string goal = 99'));
    assert.equal(removed.status, 100);
    assert.match(removed.said, /field "\d+" with name "destination" on message "\w+" was deleted/);

    const renamed = compare((text) => text.replace('rpc Register(', 'rpc Enrol('));
    assert.equal(renamed.status, 100);
    assert.match(renamed.said, /RPC "Register" on service "WebhookService" was deleted/);
  });
});
