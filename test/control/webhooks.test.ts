import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Control, createControl } from '../../src/control/control.ts';
import type { ControlDeps } from '../../src/control/deps.ts';
import { DomainError } from '../../src/domain/error.ts';
import { WEBHOOK_FIELDS } from '../../src/domain/listing/fields.ts';
import { readFilter } from '../../src/domain/listing/filter.ts';
import { noProblems } from '../../src/domain/problems.ts';
import { systemRandom } from '../../src/domain/random.ts';
import { LOOPBACK, PUBLIC_ONLY, parseCidrs } from '../../src/domain/webhook/address.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { createNamespaceDirectory } from '../../src/store/namespace-directory.ts';
import type { Store } from '../../src/store/store.ts';
import { manualClock } from '../support/clock.ts';
import { NO_ROTATION } from '../support/seal-rotation.ts';
import { openMemoryStore, T0, testId } from '../support/store.ts';
import { anOAuth2 } from '../support/token-endpoint.ts';

/** The use cases as a program calls them that speaks neither protobuf nor HTTP. */

const DESTINATION = 'http://127.0.0.1:9999/hook';

let store: Store;
let control: Control;
const clock = manualClock(T0);

function depsWith(overrides: Partial<ControlDeps['store']> = {}): ControlDeps {
  return {
    store: { ...store, ...overrides },
    namespaces: createNamespaceDirectory({ store }),
    clock,
    random: systemRandom(),
    sealKey: new Uint8Array(32).fill(7),
    sealRotation: NO_ROTATION,
    signingKeyring: { ensure: async () => {} },
    settings: {
      addressPolicy: { allow: parseCidrs(LOOPBACK) },
      everyMinMs: 1_000,
      namespaceWaitingMax: 1_000_000,
      defaultEveryMs: 5_000,
    },
  };
}

before(async () => {
  store = await openMemoryStore();
  control = createControl(depsWith());
});
after(() => store.close());

async function registered(name: string): Promise<Webhook> {
  const spec = { name, destination: DESTINATION };
  return (await control.webhooks.register({ namespace: 'default', spec })).webhook;
}

function raised(code: string, pattern: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof DomainError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  };
}

describe('A webhook that gets tokens at an address that may not be called any more', () => {
  it('is refused when that is touched, and not when something else of it is changed', async () => {
    const oauth2 = anOAuth2('http://127.0.0.1:9999/token');
    const spec = { name: 'tokens', destination: 'https://example.com/hook' };
    const credentials = { headers: {}, auth: oauth2 };
    const { webhook } = await control.webhooks.register({ namespace: 'default', spec, credentials });
    const deps = depsWith();
    const stricter = createControl({ ...deps, settings: { ...deps.settings, addressPolicy: PUBLIC_ONLY } });
    const update = (field: string) =>
      stricter.webhooks.update({ namespace: 'default', id: webhook.id }, (found) => ({
        spec: { ...found.spec, labels: { touched: field } },
        credentials,
        touched: new Set([field]),
        problems: noProblems(),
      }));
    assert.deepEqual((await update('labels')).spec.labels, { touched: 'labels' });
    await assert.rejects(update('auth'), raised('INVALID', /auth\.oauth2\.token_url.*points inside/));
  });
});

describe('Registering without a carrier', () => {
  it('takes a name and a destination, and rings every 5 s', async () => {
    const { webhook, created, secret } = await control.webhooks.register({
      namespace: 'default',
      spec: { name: 'joe', destination: DESTINATION },
    });
    assert.ok(created);
    assert.equal(secret?.length, 32);
    assert.equal(webhook.spec.schedule, undefined);
    assert.deepEqual(webhook.effective.schedule?.when, { kind: 'every', periodMs: 5_000 });
    assert.deepEqual(await control.webhooks.get({ namespace: 'default', id: webhook.id }), webhook);
  });

  it('shows the secret only of what it made', async () => {
    const first = await registered('secretive');
    const spec = { name: 'secretive', destination: DESTINATION };
    const again = await control.webhooks.register({ namespace: 'default', spec });
    assert.deepEqual(again, { webhook: first, created: false });
  });

  it('keeps headers as the caller wrote them, and sends their names in lower case', async () => {
    const spec = { name: 'headers', destination: DESTINATION, headers: { 'X-Team': 'a' } };
    const { webhook } = await control.webhooks.register({ namespace: 'default', spec });
    assert.deepEqual(webhook.spec.headers, { 'X-Team': 'a' });
    assert.deepEqual(webhook.effective.headers, { 'x-team': 'a' });
    const twice = { ...spec, headers: { 'X-Team': 'a', 'x-team': 'b' } };
    await assert.rejects(
      control.webhooks.register({ namespace: 'default', spec: twice }),
      raised('INVALID', /^headers\["x-team"\]: comes twice/),
    );
  });

  it('raises what its caller found wrong together with what it finds', async () => {
    const problems = noProblems();
    problems.add('webhook.name', 'must not be empty');
    const spec = { name: '', destination: 'http://10.0.0.1/', schedule: { when: EVERY_MS } };
    await assert.rejects(
      control.webhooks.register({ namespace: 'default', spec }, problems.under('webhook')),
      (error: DomainError) => {
        assert.deepEqual(
          error.violations.map(({ field }) => field),
          ['webhook.name', 'webhook.destination', 'webhook.schedule.every'],
        );
        return true;
      },
    );
  });
});

const EVERY_MS = { kind: 'every', periodMs: 1 } as const;

describe('Changing without a carrier', () => {
  it('asks again what a webhook shall be when somebody else changed it meanwhile', async () => {
    const webhook = await registered('contended');
    const seen: number[] = [];
    const changed = await control.webhooks.update({ namespace: 'default', id: webhook.id }, async (found) => {
      seen.push(found.version);
      if (seen.length === 1) await control.webhooks.pause({ namespace: 'default', id: webhook.id });
      const spec = { ...found.spec, labels: { team: 'blue' } };
      return { spec, touched: new Set(['labels']), problems: noProblems() };
    });
    assert.deepEqual(seen, [1, 2]);
    assert.equal(changed.state, 'PAUSED');
    assert.deepEqual(changed.spec.labels, { team: 'blue' });
  });

  it('gives up, naming the webhook, when others are always faster', async () => {
    const webhook = await registered('lost');
    const stale = createControl(depsWith({ updateWebhooks: async (all) => all.map(() => 'STALE' as const) }));
    await assert.rejects(
      stale.webhooks.pause({ namespace: 'default', id: webhook.id }),
      (error: DomainError) => {
        assert.equal(error.code, 'ABORTED');
        assert.deepEqual(error.resource, { type: 'Webhook', id: webhook.id });
        return true;
      },
    );
  });

  it('finds nothing in another namespace', async () => {
    const { id } = await registered('theirs');
    await control.namespaces.create('another', {});
    const target = { namespace: 'another', id };
    await assert.rejects(control.webhooks.get(target), raised('NOT_FOUND', /^there is no webhook wh_/));
    await assert.rejects(control.webhooks.pause(target), raised('NOT_FOUND', /^there is no webhook wh_/));
    await assert.rejects(control.webhooks.trigger(target), raised('NOT_FOUND', /^there is no webhook wh_/));
  });
});

describe('Triggering', () => {
  it('is refused by the one check there is, which names the webhook', async () => {
    const { id } = await registered('paused');
    const target = { namespace: 'default', id };
    await control.webhooks.pause(target);
    await assert.rejects(control.webhooks.trigger(target), (error: DomainError) => {
      assert.equal(error.code, 'FAILED_PRECONDITION');
      assert.equal(error.message, `webhook ${id} is PAUSED; resume it first`);
      assert.deepEqual(error.violations, [{ field: id, description: 'is PAUSED; resume it first' }]);
      return true;
    });
    await control.webhooks.resume(target);
    const deliveryId = await control.webhooks.trigger(target);
    assert.equal((await control.deliveries.get('default', deliveryId)).webhookId, id);
  });
});

const named = (name: string) => readFilter(`name = ${name}`, WEBHOOK_FIELDS);

describe('Removing without a carrier', () => {
  it('removes all of a name, one by its key, and one by its id', async () => {
    const signal = new AbortController().signal;
    const specs = ['/a', '/b', '/c'].map((path) => ({ name: 'many', destination: `${DESTINATION}${path}` }));
    const ids: string[] = [];
    for (const spec of specs) {
      ids.push((await control.webhooks.register({ namespace: 'default', spec })).webhook.id);
    }
    assert.deepEqual(await control.webhooks.remove({ namespace: 'default', ...specs[0]! }, signal), [ids[0]]);
    assert.deepEqual(await control.webhooks.remove({ namespace: 'default', id: ids[1]! }, signal), [ids[1]]);
    const many = { namespace: 'default', where: named('many'), described: 'many', force: false };
    assert.deepEqual(await control.webhooks.remove(many, signal), [ids[2]]);
    await assert.rejects(
      control.webhooks.remove(many, signal),
      raised('NOT_FOUND', /^there is no webhook many$/),
    );
  });
});

describe('Previewing', () => {
  it('raises what is wrong with a schedule by its path', async () => {
    await assert.rejects(
      control.webhooks.preview({ of: { schedule: { when: EVERY_MS } } }),
      raised('INVALID', /^schedule\.every: /),
    );
  });

  it('starts at the run at which a webhook stands', async () => {
    const webhook = await registered('previewed');
    const previewed = await control.webhooks.preview({
      of: { namespace: 'default', id: webhook.id },
      count: 2,
    });
    const times = [T0 + 5_000, T0 + 10_000];
    assert.deepEqual(previewed, { times, words: 'every 5 seconds', changes: [] });
  });
});

describe('Watching without a carrier', () => {
  it('tells the place first, then changes, and ends quietly with its caller', async () => {
    const webhook = await registered('watched');
    const caller = new AbortController();
    const order = { namespace: 'default', wants: () => true };
    const watch = control.deliveries.watch(order, caller.signal);
    const first = await watch.next();
    assert.ok(!first.done && first.value.change === undefined);
    const deliveryId = await control.webhooks.trigger({ namespace: 'default', id: webhook.id });
    await control.deliveries.cancel('default', deliveryId);
    caller.abort();
    assert.deepEqual(await watch.next(), { done: true, value: undefined });
  });

  it('is told UNAVAILABLE when the use cases stop', async () => {
    const stopping = createControl(depsWith());
    const watch = stopping.deliveries.watch(
      { namespace: 'default', wants: () => true },
      new AbortController().signal,
    );
    await watch.next();
    const next = watch.next();
    stopping.stop();
    stopping.stop();
    await assert.rejects(next, raised('UNAVAILABLE', /is stopping; watch again/));
  });

  it('is told OUT_OF_RANGE of a place ahead of the log', async () => {
    const watch = control.deliveries.watch(
      { namespace: 'default', wants: () => true, resumeAt: Number.MAX_SAFE_INTEGER },
      new AbortController().signal,
    );
    await assert.rejects(watch.next(), raised('OUT_OF_RANGE', /no longer kept/));
  });
});

describe('Pausing many', () => {
  it('passes over one that is removed meanwhile', async () => {
    const names = ['many-one', 'many-two'];
    const [gone, stays] = await Promise.all(names.map(registered));
    const racing = createControl(
      depsWith({
        async scanWebhooks(query) {
          const part = await store.scanWebhooks(query);
          await store.removeWebhooks([{ id: gone!.id, now: T0 }]);
          return part;
        },
      }),
    );
    const where = readFilter('name = many-*', WEBHOOK_FIELDS);
    const order = { namespace: 'default', where, validateOnly: false, from: undefined };
    const { ids } = await racing.webhooks.pauseMany(order, new AbortController().signal);
    assert.deepEqual(ids, [stays!.id]);
  });
});

describe('Looking for what is not there', () => {
  it('names what was looked for', async () => {
    const id = testId('delivery');
    await assert.rejects(control.deliveries.get('default', id), raised('NOT_FOUND', /^there is no delivery/));
    await assert.rejects(
      control.deliveries.cancel('default', id),
      raised('NOT_FOUND', /^there is no delivery/),
    );
    await assert.rejects(
      control.deliveries.retry('default', id),
      raised('NOT_FOUND', /^there is no delivery/),
    );
    const key = { namespace: 'default', id: 'nothing' };
    await assert.rejects(control.events.get(key), raised('NOT_FOUND', /^there is no event nothing$/));
    await assert.rejects(control.events.purge(key), raised('NOT_FOUND', /^there is no event nothing$/));
  });
});
