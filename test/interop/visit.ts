import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, type Json, Refusal } from '../support/call.ts';
import { openReceiver, type Receiver } from '../support/receiver.ts';
import { type CarillonProcess, startCarillon } from '../support/server.ts';

/**
 * What a client sees on one visit to a server, from registration to removal. Every client makes the
 * same visit: those that can be told what to call in JSON by `visit` below, the Go and Python programs
 * beside this file in their own code. `assertVisit` judges them all.
 */
export interface Visit {
  /** Answers to the same registration, made twice. */
  readonly registered: Registration;
  readonly again: Registration;
  /** Of a registration with an ftp destination. */
  readonly refused: Refused;
  /** The name that Get answers with. */
  readonly name: string;
  /** The ids that List answers with for that name. */
  readonly listed: readonly string[];
  /** The next two runs after 2030-01-01T00:00:00Z. */
  readonly runTimes: readonly string[];
  /** After an Update of labels alone. */
  readonly labels: Readonly<Record<string, string>>;
  /** States by their names in the proto file. */
  readonly paused: string;
  readonly triggeredWhilePaused: Refused;
  readonly resumed: string;
  /** The delivery id that Trigger answers with. */
  readonly triggered: string;
  readonly delivery: { readonly state: string; readonly statuses: readonly number[] };
  /** The ids that ListDeliveries answers with for the webhook. */
  readonly deliveries: readonly string[];
  readonly removed: readonly string[];
  /** Of a Get of what was removed. */
  readonly missing: Refused;
}

export interface Registration {
  readonly id: string;
  readonly secret: string;
  readonly created: boolean;
}

/** A gRPC status code, 0 for none, and the fields of google.rpc.BadRequest. */
export interface Refused {
  readonly code: number;
  readonly fields: readonly string[];
}

/** A server and a receiver to which it delivers. */
export interface World extends AsyncDisposable {
  readonly carillon: CarillonProcess;
  /** `127.0.0.1:<port>` of the server. */
  readonly address: string;
  readonly receiver: Receiver;
  readonly destination: string;
}

/** How often a delivery is asked for before it counts as lost: 30 s in all, with the pauses. */
const ASK_MAX = 300;
const ASK_PAUSE_MS = 100;

export async function openWorld(): Promise<World> {
  const receiver = await openReceiver();
  const carillon = await startCarillon({ command: 'dev' });
  return {
    carillon,
    address: `127.0.0.1:${carillon.port}`,
    receiver,
    destination: `${receiver.url}/hook`,
    async [Symbol.asyncDispose]() {
      await carillon[Symbol.asyncDispose]();
      await receiver.close();
    },
  };
}

/** Makes the visit with whatever carries calls. */
export async function visit(call: Call, { destination }: World, name: string): Promise<Visit> {
  const schedule = { cron: '0 0 1 1 *', timeZone: 'Europe/Vienna' };
  const webhook = { name, destination, schedule };
  const registered = registrationOf(await call('WebhookService/Register', { webhook }));
  const again = registrationOf(await call('WebhookService/Register', { webhook }));
  const wrong = { webhook: { name, destination: 'ftp://example.com/' } };
  const refused = await refusalOf(call('WebhookService/Register', wrong));

  const { id } = registered;
  const got = await call('WebhookService/Get', { id });
  const listed = await call('WebhookService/List', { name });
  const after = '2030-01-01T00:00:00Z';
  const preview = await call('WebhookService/PreviewSchedule', { id, count: 2, after });
  const change = { webhook: { id, labels: { visitor: name } }, updateMask: 'labels' };
  const updated = await call('WebhookService/Update', change);

  const paused = await call('WebhookService/Pause', { id });
  const triggeredWhilePaused = await refusalOf(call('WebhookService/Trigger', { id }));
  const resumed = await call('WebhookService/Resume', { id });
  const triggered = String((await call('WebhookService/Trigger', { id })).deliveryId);
  const delivery = await finish(call, triggered);
  const history = await call('DeliveryService/ListDeliveries', { webhookId: id });

  const removed = await call('WebhookService/Remove', { id });
  return {
    registered,
    again,
    refused,
    name: String(webhookOf(got).name),
    listed: idsOf(listed.webhooks),
    runTimes: preview.runTimes as string[],
    labels: webhookOf(updated).labels as Record<string, string>,
    paused: String(webhookOf(paused).state),
    triggeredWhilePaused,
    resumed: String(webhookOf(resumed).state),
    triggered,
    delivery,
    deliveries: idsOf(history.deliveries),
    removed: removed.ids as string[],
    missing: await refusalOf(call('WebhookService/Get', { id })),
  };
}

/** Judges a visit, and that what it triggered arrived. */
export function assertVisit(seen: Visit, { receiver }: World, name: string): void {
  const { id } = seen.registered;
  assert.match(id, /^wh_[0-9A-Z]{26}$/);
  assert.match(seen.registered.secret, /^whsec_/);
  assert.deepEqual(seen, {
    registered: { id, secret: seen.registered.secret, created: true },
    again: { id, secret: '', created: false },
    refused: { code: 3, fields: ['webhook.destination'] },
    name,
    listed: [id],
    runTimes: ['2030-12-31T23:00:00Z', '2031-12-31T23:00:00Z'],
    labels: { visitor: name },
    paused: 'STATE_PAUSED',
    triggeredWhilePaused: { code: 9, fields: [] },
    resumed: 'STATE_ACTIVE',
    triggered: seen.triggered,
    delivery: { state: 'STATE_SUCCEEDED', statuses: [200] },
    deliveries: [seen.triggered],
    removed: [id],
    missing: { code: 5, fields: [] },
  });
  const arrived = receiver.requests.filter(({ headers }) => headers['webhook-id'] === seen.triggered);
  assert.equal(arrived.length, 1);
  assert.match(arrived[0]!.body.toString(), new RegExp(`^Hello ${name}, current time is `));
}

/** The delivery once it no longer waits. */
async function finish(call: Call, id: string): Promise<Visit['delivery']> {
  for (let asked = 0; asked < ASK_MAX; asked++) {
    const { delivery } = (await call('DeliveryService/GetDelivery', { id })) as { delivery: Json };
    const { state, attempts = [] } = delivery as { state: string; attempts?: { responseStatus: number }[] };
    const statuses = attempts.map(({ responseStatus }) => responseStatus);
    if (state !== 'STATE_PENDING') return { state, statuses };
    await sleep(ASK_PAUSE_MS);
  }
  throw new Error(`delivery ${id} did not finish`);
}

async function refusalOf(calling: Promise<Json>): Promise<Refused> {
  try {
    await calling;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { code: error.code, fields: error.fields };
  }
  return { code: 0, fields: [] };
}

function registrationOf({ webhook, secret = '', created = false }: Json): Registration {
  return { id: (webhook as { id: string }).id, secret: String(secret), created: created === true };
}

function webhookOf(answer: Json): Json {
  return answer.webhook as Json;
}

function idsOf(list: unknown = []): string[] {
  return (list as { id: string }[]).map(({ id }) => id);
}
