import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCli } from '../../../support/cli.ts';
import { sharedApi } from '../../../support/rpc.ts';

describe('carillon namespaces', () => {
  const api = sharedApi();
  const run = (...words: string[]) => runCli(api().url, ['namespaces', ...words]);

  it('makes one, shows it, lists it, changes it, and stops and deletes it', async () => {
    const made = await run(
      'create',
      'shop',
      '--webhooks',
      '3',
      '--publish-rate',
      '2.5',
      '--publish-burst',
      '10',
    );
    assert.deepEqual([made.code, made.err], [0, '']);
    assert.match(
      made.out,
      /^Created\.\n\nname +shop\nstate +ACTIVE\nwebhooks +0 of 3\nwaiting +0 of 1000000\n/,
    );
    assert.match(made.out, /\npublishes +2\.5\/s, 10 at once\n/);
    assert.match((await run('ls')).out, /^NAME +STATE .*\ndefault +ACTIVE .*\nshop +ACTIVE +0 of 3 /);
    const changed = await run('update', 'shop', '--webhooks', '5', '--unset', 'publish-rate');
    assert.match(changed.out, /webhooks +0 of 5\n/);
    assert.doesNotMatch(changed.out, /publishes/);
    assert.match((await run('suspend', 'shop')).out, /^Suspended\.\n\nname +shop\nstate +SUSPENDED\n/);
    const refused = await runCli(api().url, ['events', 'publish', 'a', '--namespace', 'shop']);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /namespace shop is suspended/);
    assert.match((await run('resume', 'shop')).out, /^Resumed\./);
    const unasked = await run('delete', 'shop');
    assert.deepEqual([unasked.code, /--yes/.test(unasked.err)], [2, true]);
    assert.match((await run('rm', 'shop', '--yes')).out, /^shop is being deleted/);
    assert.match((await run('get', 'shop')).out, /state +DELETING/);
    assert.match((await run('get', 'nobody')).err, /there is no namespace nobody/);
    assert.match((await run('update', 'default')).err, /say what to change/);
  });

  it('is where every command works that CARILLON_NAMESPACE or --namespace names', async () => {
    await run('create', 'theirs');
    const env = { CARILLON_NAMESPACE: 'theirs' };
    const hook = ['webhooks', 'register', '--name', 'orders', '--destination', 'http://127.0.0.1:9999/'];
    const made = await runCli(api().url, [...hook, '--event-type', 'a', '--json'], { env });
    assert.equal(JSON.parse(made.out).webhook.namespace, 'theirs');
    const list = ['webhooks', 'list', '--json'];
    assert.equal(JSON.parse((await runCli(api().url, list, { env })).out).webhooks.length, 1);
    assert.equal(
      JSON.parse((await runCli(api().url, [...list, '--namespace', 'default'], { env })).out).webhooks.length,
      0,
    );
    const declared = await runCli(api().url, ['webhooks', 'export'], { env });
    assert.match(declared.out, /namespace: theirs/);
  });
});
