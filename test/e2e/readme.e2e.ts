import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readmeNames, runReadme } from '../support/readme.ts';
import { startCarillon } from '../support/server.ts';

/** These need grpcurl, so they are run with the other clients. */
const ELSEWHERE = ['grpcurl'];

describe('the README', () => {
  it('has a quick start that does what it says', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    const registered = JSON.parse(await runReadme('register', carillon.port));
    assert.equal(registered.webhook.schedule.every, '5s');
    assert.match(registered.secret, /^whsec_/);
    assert.equal(registered.created, true);
    const destination = `http://127.0.0.1:${carillon.port}/inbox/hello`;
    const said = `Webhook to '${destination}' dispatched, response code: 200`;
    await carillon.logged(({ msg }) => msg === said);
    const inbox = await (await fetch(`${destination}/requests`)).json();
    const [request] = (inbox as { requests: { preview: string; signature: { state: string } }[] }).requests;
    assert.match(request!.preview, /^Hello joe, current time is \d{4}-\d\d-\d\dT/);
    assert.equal(request!.signature.state, 'valid');
  });

  it('has commands for curl and buf that work', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    assert.equal(JSON.parse(await runReadme('curl', carillon.port)).webhook.name, 'nightly');
    assert.match(await runReadme('buf', carillon.port), /"nightly"/);
    const { runTimes } = JSON.parse(await runReadme('preview', carillon.port));
    assert.equal(runTimes.length, 3);
  });

  it('marks no commands that no test runs', () => {
    const tested = ['register', 'curl', 'buf', 'preview', ...ELSEWHERE];
    assert.deepEqual(readmeNames().toSorted(), tested.toSorted());
  });

  it('links to files that are there', () => {
    const root = join(import.meta.dirname, '../..');
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target]) => target!);
    assert.ok(links.length > 3);
    for (const link of links) assert.ok(existsSync(join(root, link)), link);
  });
});
