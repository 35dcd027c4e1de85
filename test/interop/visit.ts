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
  readonly delivery: Finished;
  /** Answers to the same event, published twice with an id. */
  readonly published: Publication;
  readonly publishedAgain: Publication;
  /** Of an event of a reserved type. */
  readonly refusedEvent: Refused;
  /** The ids that ListDeliveries answers with for the webhook, the event's before the triggered one's. */
  readonly deliveries: readonly string[];
  readonly eventDelivery: Finished;
  readonly removed: readonly string[];
  /** Of a Get of what was removed. */
  readonly missing: Refused;
}

export interface Registration {
  readonly id: string;
  readonly secret: string;
  readonly created: boolean;
}

/** A delivery that waits no longer. */
export interface Finished {
  readonly state: string;
  readonly statuses: readonly number[];
}

export interface Publication {
  readonly id: string;
  readonly deliveries: number;
  readonly duplicate: boolean;
}

/** A gRPC status code, 0 for none, and the fields of google.rpc.BadRequest. */
export interface Refused {
  readonly code: number;
  readonly fields: readonly string[];
}

/** A server and a receiver to which it delivers. */
export interface World extends AsyncDisposable {
  readonly carillon: CarillonProcess;
  /** `127.0.0.1:<port>` of the port that serves everything, and of the one for gRPC alone. */
  readonly address: string;
  readonly grpcAddress: string;
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
    grpcAddress: carillon.grpcAddress,
    receiver,
    destination: `${receiver.url}/hook`,
    async [Symbol.asyncDispose]() {
      await carillon[Symbol.asyncDispose]();
      await receiver.close();
    },
  };
}

/** The ports that take gRPC, and the field of the world that has each one's address. */
export const GRPC_PORTS = [
  ['the port for everything', 'address'],
  ['the native port', 'grpcAddress'],
] as const;

/** Makes the visit with whatever carries calls. */
export async function visit(call: Call, { destination }: World, name: string): Promise<Visit> {
  const schedule = { cron: '0 0 1 1 *', timeZone: 'Europe/Vienna' };
  const webhook = { name, destination, schedule, eventTypes: ['visit.*'] };
  const registered = registrationOf(await call('WebhookService/Register', { webhook }));
  const again = registrationOf(await call('WebhookService/Register', { webhook }));
  const wrong = { webhook: { name, destination: 'ftp://example.com/' } };
  const refused = await refusalOf(call('WebhookService/Register', wrong));

  const { id } = registered;
  const got = await call('WebhookService/Get', { id });
  const listed = await call('WebhookService/List', { filter: `name = "${name}"` });
  const afterTime = '2030-01-01T00:00:00Z';
  const preview = await call('WebhookService/PreviewSchedule', { id, count: 2, afterTime });
  const change = { webhook: { id, labels: { visitor: name } }, updateMask: 'labels' };
  const updated = await call('WebhookService/Update', change);

  const paused = await call('WebhookService/Pause', { id });
  const triggeredWhilePaused = await refusalOf(call('WebhookService/Trigger', { id }));
  const resumed = await call('WebhookService/Resume', { id });
  const triggered = String((await call('WebhookService/Trigger', { id })).deliveryId);
  const delivery = await finish(call, triggered);
  const event = { id: `made-${id}`, type: 'visit.made', json: { visitor: name } };
  const published = publicationOf(await call('EventService/Publish', { event }));
  const publishedAgain = publicationOf(await call('EventService/Publish', { event }));
  const reserved = { event: { type: 'carillon.visit' } };
  const refusedEvent = await refusalOf(call('EventService/Publish', reserved));
  const history = await call('DeliveryService/ListDeliveries', { filter: `webhook_id = ${id}` });
  const deliveries = idsOf(history.deliveries);
  const eventDelivery = await finish(call, deliveries[0]!);

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
    published,
    publishedAgain,
    refusedEvent,
    deliveries,
    eventDelivery,
    removed: removed.ids as string[],
    missing: await refusalOf(call('WebhookService/Get', { id })),
  };
}

/** Judges a visit, and that what it triggered and what it published arrived. */
export function assertVisit(seen: Visit, { receiver }: World, name: string): void {
  const { id } = seen.registered;
  assert.match(id, /^wh_[0-9A-Z]{26}$/);
  assert.match(seen.registered.secret, /^whsec_/);
  const eventDeliveryId = seen.deliveries[0]!;
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
    published: { id: `made-${id}`, deliveries: 1, duplicate: false },
    publishedAgain: { id: `made-${id}`, deliveries: 1, duplicate: true },
    refusedEvent: { code: 3, fields: ['event.type'] },
    deliveries: [eventDeliveryId, seen.triggered],
    eventDelivery: { state: 'STATE_SUCCEEDED', statuses: [200] },
    removed: [id],
    missing: { code: 5, fields: [] },
  });
  assert.match(arrivedOnce(seen.triggered), new RegExp(`^Hello ${name}, current time is `));
  const { type, data } = JSON.parse(arrivedOnce(eventDeliveryId)) as Json;
  assert.deepEqual({ type, data }, { type: 'visit.made', data: { visitor: name } });

  function arrivedOnce(deliveryId: string): string {
    const arrived = receiver.requests.filter(({ headers }) => headers['webhook-id'] === deliveryId);
    assert.equal(arrived.length, 1);
    return arrived[0]!.body.toString();
  }
}

/** The delivery once it no longer waits. */
async function finish(call: Call, id: string): Promise<Finished> {
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

function publicationOf({ id, deliveryCount = 0, duplicate = false }: Json): Publication {
  return { id: String(id), deliveries: Number(deliveryCount), duplicate: duplicate === true };
}

function webhookOf(answer: Json): Json {
  return answer.webhook as Json;
}

function idsOf(list: unknown = []): string[] {
  return (list as { id: string }[]).map(({ id }) => id);
}
