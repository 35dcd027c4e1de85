import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/domain/clock.ts';
import { noProblems } from '../../src/domain/problems.ts';
import type { AskedSpec } from '../../src/domain/webhook/asked.ts';
import type { AskedCredentials } from '../../src/domain/webhook/credentials.ts';
import { sign, signingKey } from '../../src/domain/webhook/signature.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { createAuthority } from '../support/authority.ts';
import { type HeldRequest, type HeldSender, heldSender } from '../support/held-sender.ts';
import { openPipeline, type Pipeline, QUICK_RETRIES, until } from '../support/pipeline.ts';
import { openMemoryStore } from '../support/store.ts';
import { TOGETHER } from '../support/together.ts';

/**
 * A change of a webhook takes effect on its lane within a second, whatever the lane waits for: each field
 * of a webhook, and its state and secret, against each state that a lane can be in.
 */

const HOUR = 3_600_000;
/** The promise is a second; a machine that does much else gets a little more. */
const SOON_MS = 1_500;
/** Long enough for the dispatcher to send what it was going to send. */
const A_WHILE_MS = 60;

const NAMESPACE = 'default';
const authority = createAuthority();
const NEW_SECRET = new Uint8Array(32).fill(9);

let pipeline: Pipeline;
let sender: HeldSender;
let places = 0;

before(async () => {
  sender = heldSender();
  pipeline = await openPipeline({ sender });
});
after(() => pipeline.stop(0));

/** A webhook whose requests are told from those of all others by the beginning of their destination. */
interface Subject {
  readonly webhook: Webhook;
  readonly place: string;
  sent(): readonly HeldRequest[];
}

async function subject(spec: Partial<AskedSpec> = {}): Promise<Subject> {
  const place = `https://127.0.0.1:9999/${++places}/`;
  const webhook = await pipeline.register({ destination: place, limits: { concurrency: 1 }, ...spec });
  return {
    webhook,
    place,
    sent: () => sender.sent.filter(({ destination }) => destination.startsWith(place)),
  };
}

async function update(
  { webhook }: Subject,
  patch: Partial<AskedSpec>,
  credentials?: AskedCredentials,
): Promise<void> {
  await pipeline.control.webhooks.update({ namespace: NAMESPACE, id: webhook.id }, ({ spec }) => ({
    spec: { ...spec, ...patch },
    ...(credentials && { credentials }),
    touched: new Set([...Object.keys(patch), ...(credentials ? ['auth'] : [])]),
    problems: noProblems(),
  }));
}

async function next({ sent }: Subject, already: number): Promise<HeldRequest> {
  const deadline = systemClock.monotonic() + SOON_MS;
  return until(() => {
    if (systemClock.monotonic() > deadline) throw new Error('nothing was sent within the time promised');
    return sent()[already];
  });
}

function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, A_WHILE_MS));
}

// ── What a lane waits for ──────────────────────────────────────────────────────────────────────────

interface Case {
  readonly subject: Subject;
  /** Lets the lane go on, unless the change itself does. */
  release(): Promise<void> | void;
}

const RETRIED_LATE = { ...QUICK_RETRIES, delaysMs: [HOUR] };

async function numbered({ webhook }: Subject, count: number): Promise<string[]> {
  return pipeline.publish(
    webhook,
    Array.from({ length: count }, (_, i) => String(i)),
  );
}

async function attempted(id: string): Promise<void> {
  await until(async () => ((await pipeline.delivery(id)).attemptCount > 0 ? true : undefined));
}

async function inFlight(waiting: number): Promise<Case> {
  const found = await subject();
  await numbered(found, 1 + waiting);
  const first = await next(found, 0);
  return { subject: found, release: () => first.answer(200) };
}

/** One that is held back by how its destination answered so many times. */
async function heldBack(times: number, status: number, headers: Record<string, string>): Promise<Case> {
  const found = await subject({ retryPolicy: RETRIED_LATE });
  for (let i = 0; i < times; i++) {
    const [id] = await numbered(found, 1);
    (await next(found, i)).answer(status, headers);
    await attempted(id!);
  }
  await numbered(found, 1);
  await aWhile();
  assert.equal(found.sent().length, times);
  const resume = () => pipeline.control.webhooks.resume({ namespace: NAMESPACE, id: found.webhook.id });
  return { subject: found, release: async () => void (await resume()) };
}

const STATES = {
  empty: async () => {
    const found = await subject();
    return { subject: found, release: async () => void (await numbered(found, 1)) };
  },
  full: () => inFlight(700),
  'in flight': () => inFlight(1),
  'first not due': async () => {
    const found = await subject({ limits: { ordered: true }, retryPolicy: RETRIED_LATE });
    const [first] = await numbered(found, 3);
    (await next(found, 0)).answer(500);
    await attempted(first!);
    const order = { namespace: NAMESPACE, id: first!, now: systemClock.now() };
    return { subject: found, release: async () => void (await pipeline.store.retryDeliveries([order])) };
  },
  'breaker open': () => heldBack(5, 503, {}),
  'Retry-After': () => heldBack(1, 429, { 'retry-after': '3600' }),
} satisfies Record<string, () => Promise<Case>>;

type StateName = keyof typeof STATES;

// ── What changes ───────────────────────────────────────────────────────────────────────────────────

interface Change {
  apply(of: Subject): Promise<unknown>;
  /** Lane states that the change itself ends. */
  readonly ends?: readonly StateName[];
  /** What the next request shows of it; without it, that the lane goes on is all that it is to show. */
  shows?(request: HeldRequest, of: Subject): void;
  /** Takes back a change that stops the lane. */
  undo?(of: Subject): Promise<unknown>;
}

const CHANGES: Record<keyof AskedSpec | 'state' | 'secret' | 'concurrency' | 'rate', Change> = {
  name: { apply: (of) => update(of, { name: `renamed-${of.webhook.id}` }) },
  destination: {
    apply: (of) => update(of, { destination: `${of.place}elsewhere` }),
    ends: ['breaker open', 'Retry-After'],
    shows: (request, { place }) => assert.equal(request.destination, `${place}elsewhere`),
  },
  schedule: { apply: (of) => update(of, { schedule: { when: { kind: 'every', periodMs: HOUR } } }) },
  eventTypes: { apply: (of) => update(of, { eventTypes: ['other.*'] }) },
  filter: { apply: (of) => update(of, { filter: 'event.type == "other"' }) },
  payload: { apply: (of) => update(of, { payload: { eventFormat: 'RAW' } }) },
  compatibility: {
    apply: ({ webhook: { id, spec } }) =>
      pipeline.control.webhooks.update({ namespace: NAMESPACE, id }, () => ({
        spec: { ...spec, compatibility: { header: 'X-Hub-Signature', value: 'sha256={signature}' } },
        compatibilitySecret: 'as before',
        touched: new Set(['compatibility_signature']),
        problems: noProblems(),
      })),
    shows: ({ headers, body }) => {
      const expected = createHmac('sha256', 'as before').update(Buffer.from(body)).digest('hex');
      assert.equal(headers['x-hub-signature'], `sha256=${expected}`);
    },
  },
  asymmetric: {
    apply: (of) => update(of, { asymmetric: true }),
    shows: ({ headers }) => assert.match(headers['webhook-signature']!, /^v1,\S+ v1a,\S+$/),
  },
  headers: {
    apply: (of) => update(of, { headers: { 'x-new': 'yes' } }),
    shows: ({ headers }) => assert.equal(headers['x-new'], 'yes'),
  },
  secretHeaders: {
    apply: (of) => update(of, { headers: { Authorization: 'Bearer of-today' } }),
    shows: ({ headers }) => assert.equal(headers.authorization, 'Bearer of-today'),
  },
  auth: {
    apply: (of) => update(of, {}, { headers: {}, auth: { kind: 'basic', username: 'ann', secret: 'p' } }),
    shows: ({ headers }) => assert.equal(headers.authorization, 'Basic YW5uOnA='),
  },
  tls: {
    apply: (of) => update(of, { tls: { caBundle: authority.pem } }),
    // What may have kept it from being reached is mended.
    ends: ['breaker open'],
    shows: ({ tls }) => assert.equal(tls?.caBundle, authority.pem),
  },
  consent: {
    apply: (of) => update(of, { consent: { origin: 'hooks.example.com' } }),
    undo: ({ webhook: { id } }) =>
      pipeline.control.webhooks.update({ namespace: NAMESPACE, id }, ({ spec: { consent: _, ...spec } }) => ({
        spec,
        touched: new Set(['consent']),
        problems: noProblems(),
      })),
  },
  timeoutMs: {
    apply: (of) => update(of, { timeoutMs: 777 }),
    shows: ({ timeoutMs }) => assert.equal(timeoutMs, 777),
  },
  retryPolicy: { apply: (of) => update(of, { retryPolicy: QUICK_RETRIES }) },
  labels: { apply: (of) => update(of, { labels: { team: 'new' } }) },
  limits: {
    apply: (of) => update(of, { limits: { concurrency: 3, ordered: false } }),
    ends: ['full', 'in flight', 'first not due'],
  },
  concurrency: {
    apply: (of) => update(of, { limits: { concurrency: 2 } }),
    ends: ['full', 'in flight', 'first not due'],
  },
  rate: {
    apply: (of) => update(of, { limits: { concurrency: 1, rate: { perSecond: 0.001 } } }),
    undo: (of) => update(of, { limits: { concurrency: 1 } }),
  },
  state: {
    // Here it is the change back that ends them.
    ends: ['breaker open', 'Retry-After'],
    apply: ({ webhook: { id } }) => pipeline.control.webhooks.pause({ namespace: NAMESPACE, id }),
    undo: ({ webhook: { id } }) => pipeline.control.webhooks.resume({ namespace: NAMESPACE, id }),
  },
  secret: {
    apply: ({ webhook: { id } }) =>
      pipeline.control.webhooks.rotateSecret(
        { namespace: NAMESPACE, id },
        { secret: NEW_SECRET, overlapMs: 0 },
      ),
    shows({ headers, body }) {
      const id = headers['webhook-id']!;
      const signed = sign(
        [signingKey(NEW_SECRET)],
        id,
        Number(headers['webhook-timestamp']),
        Buffer.from(body),
      );
      assert.equal(headers['webhook-signature'], signed);
    },
  },
};

for (const [stateName, arrange] of Object.entries(STATES)) {
  describe(`a lane that is in the state: ${stateName}`, TOGETHER, () => {
    for (const [field, change] of Object.entries(CHANGES)) {
      it(`takes over a change of its webhook (${field}) within a second`, async () => {
        const { subject: found, release } = await arrange();
        const already = found.sent().length;
        await change.apply(found);
        // The dispatcher hears of it as soon as its loop runs.
        await aWhile();
        if (!change.ends?.includes(stateName as StateName)) {
          assert.equal(found.sent().length, already);
          await release();
        }
        if (change.undo !== undefined) {
          await aWhile();
          assert.equal(found.sent().length, already, 'it was to stop');
          await change.undo(found);
        }
        const request = await next(found, already);
        change.shows?.(request, found);
      });
    }
  });
}

describe('a webhook that is changed while a request is in flight', () => {
  it('has the retry by what it says when the answer comes', async () => {
    const found = await subject({ retryPolicy: RETRIED_LATE });
    await numbered(found, 1);
    const first = await next(found, 0);
    await update(found, { retryPolicy: QUICK_RETRIES });
    await aWhile();
    first.answer(500);
    await next(found, 1);
  });

  it('that says 410 is not disabled, if it points elsewhere by then', async () => {
    const found = await subject();
    await numbered(found, 1);
    const first = await next(found, 0);
    await update(found, { destination: `${found.place}elsewhere` });
    await aWhile();
    first.answer(410);
    await numbered(found, 1);
    assert.equal((await next(found, 1)).destination, `${found.place}elsewhere`);
    const { state } = await pipeline.control.webhooks.get({ namespace: NAMESPACE, id: found.webhook.id });
    assert.equal(state, 'ACTIVE');
  });

  it('sends nothing else until that is settled, if it becomes ordered', async () => {
    const found = await subject({ limits: { concurrency: 1 } });
    await numbered(found, 2);
    const first = await next(found, 0);
    await update(found, { limits: { ordered: true } });
    await aWhile();
    first.answer(500);
    assert.equal((await next(found, 1)).body, '0');
  });
});

describe('a webhook that is removed while a request is in flight', () => {
  it('has its delivery SUCCEEDED if its destination takes it all the same', async () => {
    const found = await subject({ limits: { concurrency: 2 } });
    const ids = await numbered(found, 2);
    await next(found, 1);
    await pipeline.store.removeWebhooks([{ id: found.webhook.id, now: systemClock.now() }]);
    for (const { headers, answer } of found.sent()) answer(headers['webhook-id'] === ids[0] ? 200 : 500);
    for (const id of ids) await attempted(id);
    const [taken, refused] = await Promise.all(ids.map((id) => pipeline.delivery(id)));
    assert.deepEqual([taken?.state, taken?.reason, taken?.attempts.length], ['SUCCEEDED', undefined, 1]);
    assert.deepEqual([refused?.state, refused?.reason], ['CANCELLED', 'REMOVED']);
  });
});

describe('a webhook that is changed while it is being read', () => {
  it('is as it was made last', async (t) => {
    const store = await openMemoryStore();
    t.after(() => store.close());
    const reading = Promise.withResolvers<void>();
    const polling = Promise.withResolvers<void>();
    let isReading = false;
    const gated: typeof store = {
      ...store,
      async getWebhooks(ids) {
        const found = await store.getWebhooks(ids);
        isReading = true;
        await reading.promise;
        return found;
      },
      async pollWaiting() {
        if (isReading) await polling.promise;
        return store.pollWaiting();
      },
    };
    const held = heldSender();
    await using other = await openPipeline({ store: gated, sender: held });
    const webhook = await other.register({ destination: 'http://127.0.0.1:9999/' });
    await other.publish(webhook, ['x']);
    await until(() => isReading || undefined);
    await other.control.webhooks.pause({ namespace: NAMESPACE, id: webhook.id });
    await aWhile();
    reading.resolve();
    await aWhile();
    polling.resolve();
    await aWhile();
    assert.equal(held.sent.length, 0);
  });
});
