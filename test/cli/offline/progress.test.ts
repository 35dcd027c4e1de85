import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { barOf, progressBar } from '../../../src/cli/offline/progress.ts';
import { runCli } from '../../support/cli.ts';
import { testWorld } from '../../support/world.ts';

describe('how far something is', () => {
  it('is drawn on a terminal, in one line, and taken away at the end', () => {
    const world = testWorld({ terminal: true, columns: 60 });
    const bar = progressBar(world);
    bar.show('importing', 5, 10);
    bar.show('importing', 6, 10);
    bar.show('comparing', 0, 0);
    bar.clear();
    bar.clear();
    const half = `importing  [${'='.repeat(20).padEnd(40)}]  50 %`;
    const whole = `comparing  [${'='.repeat(40)}] 100 %`;
    assert.equal(world.printed.err, `\r${half}\r${whole}\r\u001B[K`);
    assert.equal(barOf('x', 0.5, 30), `${'x'.padEnd(10)} [=====     ]  50 %`);
  });

  it('is not drawn where nobody reads it', () => {
    const world = testWorld();
    const bar = progressBar(world);
    bar.show('importing', 5, 10);
    bar.clear();
    assert.equal(world.printed.err, '');
  });
});

describe('commands on a database', () => {
  it('explain themselves, and say what is wrong with a call', async () => {
    for (const command of ['backup', 'restore', 'export', 'import']) {
      const { code, out } = await runCli('', [command, '--help']);
      assert.equal(code, 0);
      assert.match(out, new RegExp(`^carillon ${command}: .*\\n`));
      assert.doesNotMatch(out, /--address/);
      const bare = await runCli('', [command]);
      assert.equal(bare.code, 2);
      assert.match(bare.err, new RegExp(`^carillon: ${command} needs <file>: `));
    }
    const { code, err } = await runCli('', ['export', 'x', '--histories']);
    assert.equal(code, 2);
    assert.match(err, /"--histories" is not an option \(did you mean --history\?\)/);
  });
});
