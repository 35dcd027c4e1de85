import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, createClient } from '@connectrpc/connect';
import { type WebhookSchema, WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { ResourceInfoSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import { refusal, sharedApi, violations } from '../../support/rpc.ts';

type WebhookInit = Exclude<MessageInitShape<typeof WebhookSchema>, { $typeName: string }>;

const EVERY_MINUTE = { when: { case: 'every', value: { seconds: 60n } } } as const;

describe('Update', () => {
  const api = sharedApi();
  let count = 0;

  /** A webhook of its own for each test, with something in every field. */
  async function aWebhook(webhook: WebhookInit = {}) {
    const name = `hook-${++count}`;
    const made = await api().webhooks.register({
      webhook: {
        name,
        destination: `http://127.0.0.1:9999/${name}`,
        schedule: EVERY_MINUTE,
        labels: { team: 'a' },
        headers: { 'x-a': 'b' },
        limits: { concurrency: 4, rateLimit: { perSecond: 2 } },
        ...webhook,
      },
    });
    assert.ok(made.webhook);
    return made.webhook;
  }
  const update = async (webhook: WebhookInit, ...paths: string[]) => {
    const answer = await api().webhooks.update({
      webhook,
      ...(paths.length > 0 && { updateMask: { paths } }),
    });
    assert.ok(answer.webhook);
    return answer.webhook;
  };

  it('changes the fields of the mask, and no others', async () => {
    const before = await aWebhook();
    const after = await update(
      { id: before.id, labels: { team: 'b' }, timeout: { seconds: 3n }, headers: {} },
      'labels',
    );
    assert.deepEqual(after, { ...before, labels: { team: 'b' }, etag: after.etag });
    assert.notEqual(after.etag, before.etag);
  });

  it('clears a field of the mask that is not set, so that its default applies', async () => {
    const { id } = await aWebhook({ timeout: { seconds: 3n } });
    const after = await update({ id }, 'timeout', 'labels', 'limits');
    assert.deepEqual([after.timeout, after.labels, after.limits], [undefined, {}, undefined]);
    const { timeout, limits } = after.effective!;
    assert.deepEqual([timeout?.seconds, limits?.concurrency], [15n, 8]);
  });

  it('changes one field inside of a message', async () => {
    const { id } = await aWebhook();
    const after = await update({ id, limits: { concurrency: 9 } }, 'limits.concurrency');
    assert.deepEqual([after.limits?.concurrency, after.limits?.rateLimit?.perSecond], [9, 2]);
    const jittered = await update({ id, schedule: { jitter: { seconds: 2n } } }, 'schedule.jitter');
    assert.deepEqual(
      [jittered.schedule?.when, jittered.schedule?.jitter?.seconds],
      [after.schedule?.when, 2n],
    );
  });

  it('changes the fields that are set when there is no mask (AIP-134)', async () => {
    const before = await aWebhook();
    const after = await update({ id: before.id, labels: { team: 'c' } });
    assert.deepEqual(after, { ...before, labels: { team: 'c' }, etag: after.etag });
  });

  it('replaces everything when the mask is *', async () => {
    const { id, name, destination, schedule } = await aWebhook();
    const after = await update({ id, name, destination, ...(schedule && { schedule }) }, '*');
    assert.deepEqual([after.labels, after.headers, after.limits], [{}, {}, undefined]);
    assert.equal(after.effective?.limits?.concurrency, 8);
    assert.deepEqual(Object.keys(await violations(update({ id }, '*'))).sort(), [
      'webhook.destination',
      'webhook.name',
      'webhook.schedule',
    ]);
  });

  it('judges only what it changes', async () => {
    const { id } = await aWebhook();
    const after = await update({ id, name: '', destination: 'nowhere', labels: { team: 'd' } }, 'labels');
    assert.deepEqual(after.labels, { team: 'd' });
    const refused = await violations(
      update({ id, destination: 'nowhere', headers: { host: 'x' } }, 'destination', 'headers'),
    );
    assert.deepEqual(Object.keys(refused), ['webhook.destination', 'webhook.headers["host"]']);
  });

  it('refuses labels and a name of which its templates would make no header', async () => {
    const headerTemplates = { 'x-team': '{{ webhook.labels.team }}', 'x-name': '{{ webhook.name }}' };
    const { id, labels } = await aWebhook({ payload: { headerTemplates } });
    const at = (name: string) => `webhook.payload.header_templates["${name}"]`;
    const refused = await violations(update({ id, labels: { team: '漢' } }, 'labels'));
    assert.deepEqual(Object.keys(refused), [at('x-team')]);
    assert.match(refused[at('x-team')]!, /a header cannot carry: .* the filter percent_encode$/);
    assert.deepEqual(Object.keys(await violations(update({ id, labels: { team: '漢' } }, 'labels.team'))), [
      at('x-team'),
    ]);
    assert.deepEqual(Object.keys(await violations(update({ id, name: '漢' }))), [at('x-name')]);
    assert.deepEqual((await api().webhooks.get({ id })).webhook?.labels, labels);
    const encoded = { 'x-team': '{{ webhook.labels.team | percent_encode }}' };
    const after = await update(
      { id, labels: { team: '漢' }, payload: { headerTemplates: encoded } },
      'labels',
      'payload',
    );
    assert.deepEqual(after.labels, { team: '漢' });
  });

  it('refuses a body that is not the JSON that it is said to be', async () => {
    const { id } = await aWebhook();
    const payload = (value: string) => ({
      contentType: 'application/json',
      body: { case: 'text', value } as const,
    });
    const refused = await violations(update({ id, payload: payload('{"a": }') }, 'payload'));
    assert.deepEqual(Object.keys(refused), ['webhook.payload.text']);
    assert.match(refused['webhook.payload.text']!, /^is not JSON, as its content type says/);
    for (const value of [Buffer.from('{'), Buffer.from('"Zoë"', 'latin1')]) {
      const data = { contentType: 'application/json', body: { case: 'data', value } } as const;
      const { 'webhook.payload.data': fault } = await violations(update({ id, payload: data }, 'payload'));
      assert.match(fault!, /^is not JSON, as its content type says/);
    }
    await update({ id, payload: payload('{"a": 1}') }, 'payload');
  });

  it('refuses headers that are more than receivers take, with those of its templates', async () => {
    const { id } = await aWebhook({ payload: { headerTemplates: { 'x-token': 'x'.repeat(4_000) } } });
    const headers = { 'x-b': 'b'.repeat(4_000) };
    const refused = await violations(update({ id, headers }, 'headers'));
    assert.deepEqual(Object.keys(refused), ['webhook.headers']);
    assert.match(refused['webhook.headers']!, /receivers take 8192$/);
    await update({ id, headers: { 'x-b': 'b'.repeat(2_800) } }, 'headers');
  });

  it('refuses a mask that names what there is not, or what cannot be changed', async () => {
    const { id } = await aWebhook();
    for (const path of [
      'colour',
      'etag',
      'signing',
      'limits.colour',
      'limits.rate_limit.colour',
      'timeout.seconds',
      'event_types.0',
      'labels.a.b',
      '',
    ]) {
      const found = await violations(
        api().webhooks.update({ webhook: { id }, updateMask: { paths: [path] } }),
      );
      assert.match(found.update_mask ?? '', new RegExp(`"${path}"`), path);
    }
    assert.match((await violations(update({ id }, '*', 'labels'))).update_mask ?? '', /\*/);
  });

  it('changes a field at any depth, and makes the messages around it', async () => {
    const { id } = await aWebhook();
    const burst = await update({ id, limits: { rateLimit: { burst: 7 } } }, 'limits.rate_limit.burst');
    const { concurrency, rateLimit } = burst.limits!;
    assert.deepEqual([concurrency, rateLimit?.perSecond, rateLimit?.burst], [4, 2, 7]);
    const tried = await update({ id, retryPolicy: { maxAttempts: 3 } }, 'retry_policy.max_attempts');
    assert.equal(tried.retryPolicy?.maxAttempts, 3);
    const cron = { when: { case: 'cron', value: '0 9 * * *' } } as const;
    const scheduled = await update({ id, schedule: cron }, 'schedule.cron');
    assert.deepEqual(scheduled.schedule?.when, cron.when);
    const templates = { headerTemplates: { 'x-b': '{{ now }}' } };
    const templated = await update({ id, payload: templates }, 'payload.header_templates');
    assert.deepEqual(templated.payload?.headerTemplates, templates.headerTemplates);
  });

  it('changes and clears entries of maps, by keys in back-quotes where they are no names (AIP-161)', async () => {
    const { id } = await aWebhook({ labels: { team: 'a', 'app.kubernetes.io/name': 'shop', tier: '1' } });
    const labels = { team: 'b', 'app.kubernetes.io/name': 'cart', other: 'x' };
    const after = await update(
      { id, labels, headers: { 'x-a': 'c', 'x-z': 'left out' } },
      'labels.team',
      'labels.`app.kubernetes.io/name`',
      'headers.x-a',
    );
    assert.deepEqual(after.labels, { team: 'b', 'app.kubernetes.io/name': 'cart', tier: '1' });
    assert.deepEqual(after.headers, { 'x-a': 'c' });
    const cleared = await update({ id, labels: {} }, 'labels.tier', 'labels.`none`');
    assert.deepEqual(Object.keys(cleared.labels).sort(), ['app.kubernetes.io/name', 'team']);
    for (const path of ['labels.`open', 'labels.``', 'labels.`a`b', 'labels.', '.labels']) {
      const found = await violations(
        api().webhooks.update({ webhook: { id }, updateMask: { paths: [path] } }),
      );
      assert.ok(found.update_mask?.includes(JSON.stringify(path)), `${path}: ${found.update_mask}`);
    }
    assert.match(
      (await violations(update({ id }, ...Array.from({ length: 257 }, () => 'labels')))).update_mask ?? '',
      /at most 256/,
    );
  });

  it('refuses to change the secret', async () => {
    const { id } = await aWebhook();
    assert.deepEqual(Object.keys(await violations(update({ id, signing: { secret: 'x' } }))), [
      'webhook.signing',
    ]);
  });

  it('takes a mask in camel case, as JSON has it', async () => {
    const { id } = await aWebhook();
    const json = createClient(WebhookService, api().transports.connectJson);
    const { webhook } = await json.update({
      webhook: { id, retryPolicy: { maxAttempts: 3 } },
      updateMask: { paths: ['retry_policy'] },
    });
    assert.equal(webhook?.retryPolicy?.maxAttempts, 3);
  });

  it('changes nothing, and not the etag, when everything is as asked for already', async () => {
    const before = await aWebhook();
    api().clock.advance(1000);
    assert.deepEqual(await update({ id: before.id, labels: before.labels }, 'labels'), before);
  });

  it('keeps the place in the schedule unless the schedule is changed', async () => {
    const before = await aWebhook();
    api().clock.advance(10_000);
    const same = await update({ id: before.id, schedule: EVERY_MINUTE, labels: {} }, 'schedule', 'labels');
    assert.deepEqual(same.nextRunTime, before.nextRunTime);
    const other = { when: { case: 'every', value: { seconds: 61n } } } as const;
    const changed = await update({ id: before.id, schedule: other }, 'schedule');
    assert.equal(Number(changed.nextRunTime?.seconds) * 1000, api().clock.now() + 61_000);
  });

  it('does not judge an old time again that it leaves alone', async () => {
    const seconds = BigInt(api().clock.now() / 1000 + 5);
    const { id } = await aWebhook({ schedule: { when: { case: 'at', value: { seconds } } } });
    api().clock.advance(10_000);
    assert.deepEqual((await update({ id, labels: { a: 'b' } }, 'labels')).labels, { a: 'b' });
    assert.deepEqual(
      Object.keys(
        await violations(
          update({ id, schedule: { when: { case: 'at', value: { seconds: seconds - 1n } } } }, 'schedule'),
        ),
      ),
      ['webhook.schedule.at'],
    );
  });

  it('is ABORTED with an etag that is stale, and not with the current one', async () => {
    const before = await aWebhook();
    const after = await update({ id: before.id, etag: before.etag, labels: {} }, 'labels');
    const error = await refusal(update({ id: before.id, etag: before.etag, labels: { a: 'b' } }, 'labels'));
    assert.equal(error.code, Code.Aborted);
    assert.match(error.message, /get it again/);
    await update({ id: before.id, etag: after.etag, labels: { a: 'b' } }, 'labels');
  });

  it('lets changes at once all have their way without an etag, and one with', async () => {
    const before = await aWebhook();
    await Promise.all(
      ['labels', 'timeout', 'headers', 'limits.ordered'].map((path) =>
        update(
          {
            id: before.id,
            labels: { all: '1' },
            timeout: { seconds: 4n },
            headers: { 'x-z': '1' },
            limits: { ordered: true },
          },
          path,
        ),
      ),
    );
    const after = (await api().webhooks.get({ id: before.id })).webhook;
    assert.deepEqual(
      [after?.labels, after?.timeout?.seconds, after?.headers, after?.limits?.ordered],
      [{ all: '1' }, 4n, { 'x-z': '1' }, true],
    );
    const answers = await Promise.allSettled(
      ['a', 'b', 'c'].map((team) =>
        update({ id: before.id, etag: after?.etag ?? '', labels: { team } }, 'labels'),
      ),
    );
    assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  it('moves a webhook, unless another has the new name and destination', async () => {
    const [one, two] = [await aWebhook(), await aWebhook()];
    const error = await refusal(update({ id: one.id, name: two.name, destination: two.destination }));
    assert.equal(error.code, Code.AlreadyExists);
    assert.equal(error.findDetails(ResourceInfoSchema)[0]?.resourceType, 'carillon.v1.Webhook');
    const moved = await update({ id: one.id, destination: `${one.destination}/elsewhere` }, 'destination');
    assert.equal(moved.destination, `${one.destination}/elsewhere`);
  });

  it('is NOT_FOUND for an id that there is not', async () => {
    const error = await refusal(update({ id: 'wh_00000000000000000000000000', labels: {} }, 'labels'));
    assert.equal(error.code, Code.NotFound);
    assert.equal(error.findDetails(ResourceInfoSchema)[0]?.resourceName, 'wh_00000000000000000000000000');
  });
});
