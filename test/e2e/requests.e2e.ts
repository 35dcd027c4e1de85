import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectCall, type Json, Refusal } from '../support/call.ts';
import { openReceiver } from '../support/receiver.ts';
import { startCarillon, temporaryFolder } from '../support/server.ts';

const KILLS = 3;
/** Callers at a time, so that a kill hits some before their claims, some after their changes, and some between. */
const CALLERS = 16;

/** What one caller asked for under one name, over and over until it was answered. */
interface Asked {
  readonly requestId: string;
  /** The answers that it had, each with the server that gave it. */
  readonly answers: Json[];
}

describe('a server that is killed while calls with a request_id are made', () => {
  it('has done each of them once, and answers each as it did before', async (t) => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    const destination = `${receiver.url}/rung`;
    const start = () => startCarillon({ command: 'dev', cwd: folder.path });
    let current = await start();
    t.after(() => current[Symbol.asyncDispose]());
    const webhook = { id: 'rung', name: 'rung', destination, schedule: { cron: '@yearly' } };
    await connectCall(current.url)('WebhookService/Register', { webhook });
    const rings: Asked[] = [];
    const registrations: Asked[] = [];
    const ring = (call: ReturnType<typeof connectCall>, requestId: string) =>
      call('WebhookService/Trigger', { id: 'rung', requestId });
    const register = (call: ReturnType<typeof connectCall>, requestId: string) =>
      call('WebhookService/Register', {
        webhook: { name: requestId, destination, eventTypes: ['never'] },
        requestId,
      });

    for (let kill = 1; kill <= KILLS; kill++) {
      const call = connectCall(current.url);
      const enough = Promise.withResolvers<void>();
      let done = 0;
      const caller = async (): Promise<void> => {
        for (;;) {
          const ringing: Asked = { requestId: `ring-${rings.length}`, answers: [] };
          rings.push(ringing);
          const registering: Asked = { requestId: `register-${registrations.length}`, answers: [] };
          registrations.push(registering);
          try {
            ringing.answers.push(await ring(call, ringing.requestId));
            registering.answers.push(await register(call, registering.requestId));
          } catch (error) {
            assert.ok(!(error instanceof Refusal), String(error));
            return;
          }
          if (++done === kill * CALLERS) enough.resolve();
        }
      };
      const callers = Array.from({ length: CALLERS }, caller);
      await enough.promise;
      await current.stop('SIGKILL');
      await Promise.all(callers);
      current = await start();
    }

    const call = connectCall(current.url);
    for (const asked of rings) asked.answers.push(await ring(call, asked.requestId));
    for (const asked of registrations) asked.answers.push(await register(call, asked.requestId));
    assert.ok(
      rings.some(({ answers }) => answers.length === 1),
      'no kill has hit a call',
    );
    for (const { requestId, answers } of [...rings, ...registrations]) {
      assert.deepEqual(answers.at(-1), answers[0], requestId);
    }
    for (const { answers, requestId } of registrations) {
      assert.match(String(answers[0]?.secret), /^whsec_/, requestId);
    }
    const deliveries = await everyPage(call, 'DeliveryService/ListDeliveries', 'deliveries');
    assert.deepEqual(
      deliveries.map(({ id }) => String(id)).sort(),
      rings.map(({ answers }) => String(answers[0]?.deliveryId)).sort(),
    );
    const webhooks = await everyPage(call, 'WebhookService/List', 'webhooks');
    assert.equal(webhooks.length, registrations.length + 1);
  });
});

async function everyPage(call: ReturnType<typeof connectCall>, method: string, of: string): Promise<Json[]> {
  const all: Json[] = [];
  let pageToken = '';
  do {
    const page = await call(method, { pageSize: 1000, pageToken });
    all.push(...(page[of] as Json[]));
    pageToken = String(page.nextPageToken ?? '');
  } while (pageToken !== '');
  return all;
}
