import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { runClientProcess } from '../support/client-process.ts';
import { aimedAt, commandsOf, runCommands } from '../support/commands.ts';
import { blockOf, blocksOf } from '../support/docs.ts';
import { startCarillon, temporaryFolder } from '../support/server.ts';

const PAGE = 'docs/apply.md';
const ENV = { INVOICES_TOKEN: 'example' };

describe('the page about webhooks in files', { timeout: 300_000 }, () => {
  it('has files and commands that do what it says, from top to bottom', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    await using folder = await temporaryFolder();
    const at = (path: string) => join(folder.path, path);
    const { path: cwd } = folder;
    for (const { name, text } of blocksOf(PAGE).filter(({ kind }) => kind === 'yaml' || kind === 'crontab')) {
      await mkdir(dirname(at(name)), { recursive: true });
      await writeFile(at(name), aimedAt(carillon, text));
    }
    const done: string[] = [];
    const run = (name: string) => {
      done.push(name);
      return runCommands(PAGE, name, carillon, { cwd, env: ENV });
    };
    /** What the page says that is printed. Lines between those that it shows are left out by an ellipsis. */
    const shows = (name: string, printed: string) => {
      for (const line of aimedAt(carillon, blockOf(PAGE, 'prints', name))
        .trimEnd()
        .split('\n')) {
        if (line !== '…') assert.ok(printed.includes(withoutDates(line)), `${line}\n${printed}`);
      }
    };
    const apply = (...argv: string[]) =>
      runClientProcess(carillon.url, ['apply', '-f', 'hooks/', ...argv], { cwd, env: ENV });

    const first = await run('apply');
    shows('apply', first);
    assert.equal(first.match(/3 to create, 0 unchanged/g)?.length, 2);
    assert.ok(first.endsWith('created shop-invoices\n'), 'the second time it says nothing');

    const nightly = await readFile(at('hooks/nightly.yaml'), 'utf8');
    await writeFile(at('hooks/nightly.yaml'), nightly.replace('1m', '90s'));
    shows('edit', (await apply('--yes')).out);

    const shop = await readFile(at('hooks/shop.yaml'), 'utf8');
    await writeFile(at('hooks/nightly.yaml'), nightly.replace('30 2', '61 2'));
    await writeFile(at('hooks/shop.yaml'), shop.replace('eventTypes', 'eventType').replace(/:-[^}]*/, ''));
    const wrong = await apply('--yes');
    assert.deepEqual([wrong.code, wrong.out], [2, '']);
    const fields =
      ', schedule, eventTypes, filter, payload, headers, timeout, signing, retryPolicy, limits, labels, secretHeaders';
    const shortened = wrong.err
      .replace(`name, destination${fields}`, 'name, …')
      .replace(/\*, ranges.*/, '*, …');
    shows('wrong', shortened);

    await writeFile(at('hooks/nightly.yaml'), nightly);
    await writeFile(at('hooks/shop.yaml'), shop);
    assert.match(await run('prune'), /1 to remove, 2 unchanged\nremoved nightly-report\n$/);
    assert.equal(await run('drift'), '');
    await writeFile(at('hooks/shop.yaml'), shop.replace('10m', '20m'));
    assert.match(await run('drift'), /2 to change/);
    await writeFile(at('hooks/shop.yaml'), shop);

    const exported = await run('export');
    assert.match(exported, /^id: shop-invoices\n[\s\S]*^---\nid: shop-orders\n/m);
    assert.match(await readFile(at('exported/shop-orders.yaml'), 'utf8'), /^id: shop-orders\n/);

    const imported = await run('crontab');
    const again = await runClientProcess(carillon.url, ['import-crontab', 'crontab.txt', '--yes'], { cwd });
    shows('crontab', withoutDates(imported + again.err));
    assert.match(await readFile(at('hooks/cron.yaml'), 'utf8'), /^id: 127-0-0-1-inbox-report\n/m);
    assert.deepEqual(await apply('--yes'), { code: 0, out: '', err: '' });
    assert.deepEqual(
      commandsOf(PAGE),
      done.filter((name, i) => done.indexOf(name) === i),
    );
  });
});

function withoutDates(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\d/g, 'DATE');
}
