import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandsOf, runCommands } from '../support/commands.ts';
import { until } from '../support/pipeline.ts';
import { startCarillon } from '../support/server.ts';

const README = 'README.md';
/** These need grpcurl, so they are run with the other clients. */
const ELSEWHERE = ['grpcurl'];

interface InboxRequest {
  readonly preview: string;
  readonly signature: { readonly state: string };
}

describe('the README', () => {
  it('has a quick start that does what it says', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    const registered = JSON.parse(await runCommands(README, 'register', carillon));
    assert.equal(registered.webhook.effective.schedule.every, '5s');
    assert.match(registered.secret, /^whsec_/);
    assert.equal(registered.created, true);
    const destination = `http://127.0.0.1:${carillon.port}/inbox/hello`;
    const said = `Webhook to '${destination}' dispatched, response code: 200`;
    await carillon.logged(({ msg }) => msg === said);
    const { preview, signature } = await until(() => newestChecked(destination));
    assert.match(preview, /^Hello joe, current time is \d{4}-\d\d-\d\dT/);
    assert.equal(signature.state, 'valid');
  });

  it('has commands for curl and buf that work', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    assert.equal(JSON.parse(await runCommands(README, 'curl', carillon)).webhook.name, 'nightly');
    assert.match(await runCommands(README, 'buf', carillon), /"nightly"/);
    const { runTimes } = JSON.parse(await runCommands(README, 'preview', carillon));
    assert.equal(runTimes.length, 3);
  });

  it('has the shortest way from an event to the inbox', async () => {
    await using carillon = await startCarillon({ command: 'dev' });
    assert.match(await runCommands(README, 'events', carillon), /"deliveryCount": ?1/);
    const inbox = `http://127.0.0.1:${carillon.port}/inbox/shop`;
    const { preview, signature } = await until(() => newestChecked(inbox));
    const { type, data } = JSON.parse(preview);
    assert.deepEqual([type, data], ['order.paid', { order: 1001, total: 42 }]);
    assert.equal(signature.state, 'valid');
  });

  it('marks no commands that no test runs', () => {
    const tested = ['register', 'curl', 'buf', 'preview', 'events', ...ELSEWHERE];
    assert.deepEqual(commandsOf(README).toSorted(), tested.toSorted());
  });
});

/** The newest request of an inbox, once its signature was checked; that takes a moment after it arrived. */
async function newestChecked(inbox: string): Promise<InboxRequest | undefined> {
  const { requests } = (await (await fetch(`${inbox}/requests`)).json()) as { requests: InboxRequest[] };
  return requests[0]?.signature.state === 'checking' ? undefined : requests[0];
}
