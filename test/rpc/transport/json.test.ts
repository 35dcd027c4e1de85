import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type JsonError, jsonFieldsOf, sharedApi } from '../../support/rpc.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';

interface Registered {
  readonly webhook: Readonly<Record<'schedule' | 'timeout' | 'retryPolicy', unknown>>;
}

/** What comes of a JSON body: its status, and what is said about which fields. */
interface Answer {
  readonly status: number;
  readonly error: JsonError;
  readonly fields: string[];
}

describe('JSON', () => {
  const api = sharedApi();

  async function send(
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    init: RequestInit = {},
  ): Promise<Answer> {
    const headers = { 'content-type': 'application/json', ...(init.headers as Record<string, string>) };
    const response = await fetch(api().url + path, { method: 'POST', ...init, headers, body });
    const error = (await response.json()) as JsonError;
    return { status: response.status, error, fields: jsonFieldsOf(error) };
  }
  const register = (body: string | Uint8Array<ArrayBuffer>) =>
    send('/carillon.v1.WebhookService/Register', body);
  const registerWebhook = (webhook: object) =>
    register(JSON.stringify({ webhook: { destination: DESTINATION, ...webhook } }));

  it('names every unknown field by its path, in an RPC', async () => {
    const { status, error, fields } = await register(
      JSON.stringify({
        webhok: {},
        webhook: { name: 'x', schedule: { evry: '5s' }, retryPolicy: { delay: [] } },
      }),
    );
    assert.equal(status, 400);
    assert.equal(error.code, 'invalid_argument');
    assert.deepEqual(fields, ['webhok', 'webhook.schedule.evry', 'webhook.retry_policy.delay']);
    assert.match(error.message, /evry: is not a field of carillon\.v1\.Schedule; did you mean every\?/);
  });

  it('names every unknown field by its path, in the body of POST /webhooks', async () => {
    const { status, fields } = await send(
      '/webhooks',
      JSON.stringify({ nmae: 'x', schedule: { evry: '5s' } }),
    );
    assert.equal(status, 400);
    assert.deepEqual(fields, ['nmae', 'schedule.evry']);
  });

  for (const [path, field] of [
    ['/webhooks', 'webhook'],
    ['/events', 'event'],
  ] as const) {
    it(`names a field that is called ${field}, in the body and the query of POST ${path}`, async () => {
      // As the body of the RPC would have it.
      const { error, fields } = await send(path, JSON.stringify({ [field]: { name: 'x' } }));
      assert.deepEqual(fields, [field]);
      assert.match(error.message, new RegExp(`^${field}: is not a field of carillon\\.v1\\.`));
      assert.deepEqual((await send(`${path}?${field}.name=x`, '{}')).fields, [`${field}.name`]);
    });
  }

  it('says which fields there are, if none is called nearly so', async () => {
    const { error } = await send('/events', JSON.stringify({ type: 'order.paid', payload: {} }));
    assert.match(
      error.message,
      /^payload: is not a field of carillon\.v1\.Event, which has id, .*, json, text, bytes, content_type, headers, /,
    );
  });

  for (const [path, body, message] of [
    ['/events', { data: {} }, 'data: is not a field of carillon.v1.Event; give one of json, text, bytes'],
    [
      '/webhooks',
      { payload: { body: 'x' } },
      'payload.body: is not a field of carillon.v1.Payload; give one of template, text, data',
    ],
  ] as const) {
    it(`says what to give instead of ${message.slice(0, message.indexOf(':'))}, which is a choice`, async () => {
      const { error } = await send(path, JSON.stringify(body));
      assert.equal(error.message, message);
    });
  }

  it('names every unknown field by its path, in the query of a GET', async () => {
    const message = encodeURIComponent('{"pageSize": 1, "limit": 5}');
    const response = await fetch(
      `${api().url}/carillon.v1.WebhookService/List?encoding=json&message=${message}`,
    );
    assert.equal(response.status, 400);
    assert.deepEqual(jsonFieldsOf((await response.json()) as JsonError), ['limit']);
  });

  it('names every unknown field by its path, in gRPC-Web with JSON', async () => {
    const message = new TextEncoder().encode('{"idd": "x"}');
    const framed = new Uint8Array(5 + message.length);
    framed[4] = message.length;
    framed.set(message, 5);
    const response = await fetch(`${api().url}/carillon.v1.WebhookService/Get`, {
      method: 'POST',
      headers: { 'content-type': 'application/grpc-web+json' },
      body: framed,
    });
    const text = await response.text();
    assert.match(text, /grpc-status: 3/i);
    assert.match(text, /idd/);
  });

  it('takes names as in the proto file and in camel case, but not both', async () => {
    const both = {
      name: 'both',
      schedule: { every: '60s', end_time: '2030-01-01T00:00:00Z', endTime: '2031-01-01T00:00:00Z' },
    };
    assert.deepEqual((await registerWebhook(both)).fields, ['webhook.schedule.end_time']);
    const one = {
      name: 'snake',
      schedule: { every: '60s', end_time: '2030-01-01T00:00:00Z' },
      retry_policy: { max_attempts: 3 },
    };
    assert.equal((await registerWebhook(one)).status, 200);
  });

  it('names fields of the wrong type by their paths, all of them', async () => {
    const { fields } = await registerWebhook({
      name: 5,
      schedule: { every: 5, startTime: '2026-02-30T00:00:00Z', misfirePolicy: 'LEAP', maxRuns: '1.5' },
      timeout: '15',
      headers: { a: 1 },
      labels: [],
      limits: { ordered: 'yes', concurrency: 2147483648, rateLimit: { perSecond: 'fast' } },
      retryPolicy: { delays: ['1s', '5 m'] },
      payload: { data: '%%%' },
    });
    assert.deepEqual(fields, [
      'webhook.name',
      'webhook.schedule.every',
      'webhook.schedule.start_time',
      'webhook.schedule.misfire_policy',
      'webhook.schedule.max_runs',
      'webhook.timeout',
      'webhook.headers["a"]',
      'webhook.labels',
      'webhook.limits.ordered',
      'webhook.limits.concurrency',
      'webhook.limits.rate_limit.per_second',
      'webhook.retry_policy.delays[1]',
      'webhook.payload.data',
    ]);
  });

  it('takes the values of enums without their prefix, and durations in other units', async () => {
    const short = {
      name: 'short',
      schedule: {
        every: '1h30m',
        misfirePolicy: 'SKIP',
        overlapPolicy: 'OVERLAP_POLICY_ALLOW',
        jitter: '1.5s',
      },
      timeout: '250ms',
      retryPolicy: { delays: ['5m', '300s'], clientErrors: 'FAIL' },
    };
    const full = {
      ...short,
      schedule: { ...short.schedule, every: '5400s', misfirePolicy: 'MISFIRE_POLICY_SKIP' },
      timeout: '0.250s',
      retryPolicy: { delays: ['300s', '300s'], clientErrors: 'CLIENT_ERRORS_FAIL' },
    };
    const all: unknown[] = [];
    for (const [path, rpc] of [
      ['/carillon.v1.WebhookService/Register', true],
      ['/webhooks', false],
      ['/v1/webhooks', false],
    ] as const) {
      for (const webhook of [
        { ...short, name: `short ${path}` },
        { ...full, name: `full ${path}` },
      ]) {
        const body = { destination: DESTINATION, ...webhook };
        const answer = await send(path, JSON.stringify(rpc ? { webhook: body } : body));
        assert.ok(answer.status < 300, JSON.stringify(answer.error));
        const { schedule, timeout, retryPolicy } = (answer.error as unknown as Registered).webhook;
        all.push({ schedule, timeout, retryPolicy });
      }
    }
    for (const each of all) {
      assert.deepEqual(each, {
        schedule: { ...full.schedule, jitter: '1.500s' },
        timeout: full.timeout,
        retryPolicy: full.retryPolicy,
      });
    }
    for (const view of ['FULL', 'WEBHOOK_VIEW_FULL', 'full']) {
      const listed = await fetch(`${api().url}/v1/webhooks?filter=name="short%20/webhooks"&view=${view}`);
      const { webhooks } = (await listed.json()) as { webhooks: { effective: object | undefined }[] };
      assert.deepEqual(
        webhooks.map((webhook) => webhook.effective !== undefined),
        [true],
      );
    }
    assert.equal((await send('/carillon.v1.WebhookService/List', '{"view": "FULL"}')).status, 200);
  });

  it('says how a duration and the value of an enum may be written', async () => {
    const { error } = await registerWebhook({
      name: 'x',
      schedule: { every: '5 m', misfirePolicy: 'LEAP' },
    });
    assert.equal(
      error.message,
      'webhook.schedule.every: must be a duration such as "300s", "5m", "1h30m" or "250ms", not "5 m"; ' +
        'webhook.schedule.misfire_policy: must be one of FIRE_LATEST, SKIP, FIRE_ALL, as they are or after MISFIRE_POLICY_, not "LEAP"',
    );
    const query = await fetch(`${api().url}/v1/webhooks?view=none`);
    const { error: inQuery } = (await query.json()) as { error: { message: string } };
    assert.equal(
      inQuery.message,
      'view: must be one of BASIC, FULL, as they are or after WEBHOOK_VIEW_, not "NONE"',
    );
  });

  it('names times that are written well, and lie outside of those that there are', async () => {
    for (const startTime of [
      '0000-01-01T00:00:00Z',
      '0001-01-01T00:00:00+01:00',
      '9999-12-31T23:59:59-01:00',
    ]) {
      const schedule = { every: '60s', startTime };
      assert.deepEqual((await registerWebhook({ name: 'x', schedule })).fields, [
        'webhook.schedule.start_time',
      ]);
    }
  });

  it('refuses two ways to ring, and text behind the unit of a span', async () => {
    assert.deepEqual(
      (await registerWebhook({ name: 'x', schedule: { every: '60s', cron: '@daily' } })).fields,
      ['webhook.schedule.cron'],
    );
    assert.deepEqual((await registerWebhook({ name: 'x', schedule: { every: '60s!' } })).fields, [
      'webhook.schedule.every',
    ]);
  });

  it('treats null as not given', async () => {
    assert.equal(
      (await registerWebhook({ name: 'nulls', schedule: null, labels: null, timeout: null })).status,
      200,
    );
    assert.deepEqual((await registerWebhook({ name: 'nulls', labels: { a: null } })).fields, [
      'webhook.labels["a"]',
    ]);
  });

  it('names members that are given twice', async () => {
    assert.deepEqual((await register('{"webhook": {"name": "a", "name": "b"}}')).fields, ['webhook.name']);
  });

  it('says where the body is broken', async () => {
    const { status, error } = await register('{"webhook": {"name": "joe",}}');
    assert.equal(status, 400);
    assert.match(error.message, /at line 1, column 28/);
  });

  it('refuses a body that is empty, or no object', async () => {
    assert.match((await register('')).error.message, /the body is empty/);
    assert.match(
      (await register('[]')).error.message,
      /must be a JSON object such as \{"webhook": …\}, not an array/,
    );
    assert.match(
      (await register('null')).error.message,
      /must be a JSON object such as \{"webhook": …\}, not null/,
    );
  });

  it('shows how an object begins where something else was given', async () => {
    for (const [given, begun] of [
      [{ auth: { bearer: { token: 'x' } } }, '{"value": "…"}'],
      [{ secretHeaders: { 'x-key': 'x' } }, '{"value": "…"}'],
      [{ auth: 'x' }, '{"basic": …}'],
      [{ limits: { rateLimit: 5 } }, '{"per_second": …}'],
      [{ compatibilitySignature: true }, '{"header": "…"}'],
    ] as const) {
      const { error } = await registerWebhook({ name: 'x', ...given });
      assert.ok(error.message.includes(`must be a JSON object such as ${begun}, not `), error.message);
    }
  });

  it('repeats nothing that is given in a wrong form where it may be secret', async () => {
    for (const [secrets, field, kind] of [
      [{ auth: { bearer: { token: 'Zebra' } } }, 'auth.bearer.token', 'a string'],
      [{ auth: { bearer: 'Zebra' } }, 'auth.bearer', 'a string'],
      [{ auth: { basic: { password: { value: 271828 } } } }, 'auth.basic.password.value', 'a number'],
      [{ auth: { oauth2: { clientSecret: 'Zebra' } } }, 'auth.oauth2.client_secret', 'a string'],
      [{ auth: { oauth2: { scopes: 'Zebra' } } }, 'auth.oauth2.scopes', 'a string'],
      [{ secretHeaders: { 'x-key': 'Zebra' } }, 'secret_headers["x-key"]', 'a string'],
      [{ secretHeaders: 'Zebra' }, 'secret_headers', 'a string'],
      [{ headers: { authorization: 271828 } }, 'headers["authorization"]', 'a number'],
      [{ headers: 'authorization: Zebra' }, 'headers', 'a string'],
      [{ signing: 'whsec_Zebra' }, 'signing', 'a string'],
      [{ signing: { secret: 271828 } }, 'signing.secret', 'a number'],
    ] as const) {
      const refused = await registerWebhook({ name: 'x', ...secrets });
      assert.deepEqual(refused.fields, [`webhook.${field}`]);
      assert.match(refused.error.message, new RegExp(`, not ${kind}$`));
      assert.doesNotMatch(JSON.stringify(refused), /Zebra|271828/);
    }
  });

  it('refuses text that is not Unicode', async () => {
    const broken = Buffer.concat([
      Buffer.from('{"webhook": {"name": "'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}}'),
    ]);
    assert.match((await register(new Uint8Array(broken))).error.message, /not valid UTF-8/);
    assert.deepEqual((await register('{"webhook": {"name": "\\ud800"}}')).fields, ['webhook.name']);
  });

  it('treats prototype keys like any other', async () => {
    const unknown = await register(
      '{"webhook": {"name": "x", "__proto__": {"destination": "http://127.0.0.1:1/"}, "constructor": 1}}',
    );
    assert.deepEqual(unknown.fields, ['webhook.__proto__', 'webhook.constructor']);
    const label = await register(
      `{"webhook": {"name": "x", "destination": "${DESTINATION}", "labels": {"__proto__": "x"}}}`,
    );
    assert.deepEqual(label.fields, ['webhook.labels["__proto__"]']);
    assert.equal(({} as Record<string, unknown>).destination, undefined);
  });

  it('keeps a header that is named like a prototype key', async () => {
    const body = `{"webhook": {"name": "proto", "destination": "${DESTINATION}", "headers": {"__proto__": "x"}}}`;
    assert.equal((await register(body)).status, 200);
    const [stored] = await api().store.listWebhooks({ namespace: 'default', name: 'proto', limit: 1 });
    assert.deepEqual(Object.entries(stored?.spec.headers ?? {}), [['__proto__', 'x']]);
  });

  it('refuses endless nesting and endless mistakes with a short answer', async () => {
    const deep = await register(`{"webhook": ${'['.repeat(1_000_000)}`);
    assert.match(deep.error.message, /nests deeper/);
    const many = await register(
      JSON.stringify(Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`f${i}`, i]))),
    );
    assert.equal(many.status, 400);
    assert.equal(many.fields.length, 20);
  });

  it('does not repeat endless names', async () => {
    const { error } = await register(JSON.stringify({ ['x'.repeat(100_000)]: 1 }));
    assert.ok(error.message.length < 500);
  });
});
