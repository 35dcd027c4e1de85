import assert from 'node:assert/strict';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { type EventSchema, PublishRequestSchema } from '../../gen/carillon/v1/event_pb.ts';
import { connectCall, Refusal } from './call.ts';
import { assertGenuine } from './genuine.ts';
import type { Answer, Way } from './publishers.ts';
import { openReceiver, type ReceivedRequest } from './receiver.ts';
import { startCarillon } from './server.ts';

/**
 * A server with two webhooks for every event, one RAW and one with the envelope, and a receiver that
 * checks the signature of what it gets from either.
 */
export interface PayloadWorld extends AsyncDisposable {
  /**
   * Publishes payloads that must be taken, waits for them, and holds what arrived against what was
   * published, byte by byte.
   */
  deliver(open: Way, payloads: readonly SentPayload[]): Promise<void>;
  /** Publishes payloads that must be refused as INVALID_ARGUMENT, each with the field that is named. */
  refuse(open: Way, payloads: readonly (readonly [SentPayload, string])[]): Promise<void>;
}

/** A payload on its way, and what must arrive of it. */
export interface SentPayload {
  /** In messages. */
  readonly name: string;
  readonly type?: string;
  readonly data?: EventInit['data'];
  readonly contentType?: string;
  /** The body of the RAW request. */
  readonly raw: Uint8Array;
  /** The JSON text that stands for the data in the envelope. */
  readonly enveloped: string;
}

type EventInit = Extract<MessageInitShape<typeof EventSchema>, { $typeName?: never }>;

/** When everything that is published here happened. */
const TIME = { seconds: 1_767_323_045n, nanos: 678_000_000 };
const TIMESTAMP = '2026-01-02T03:04:05.678Z';
/** How long deliveries may take on a busy machine. */
const PATIENCE_MS = 60_000;

export async function openPayloadWorld(): Promise<PayloadWorld> {
  const receiver = await openReceiver();
  const carillon = await startCarillon({ command: 'dev', args: ['--log-level', 'warn'] });
  const call = connectCall(carillon.url);
  const secrets = {
    '/raw': await register('/raw', 'EVENT_FORMAT_RAW'),
    '/enveloped': await register('/enveloped', 'EVENT_FORMAT_ENVELOPE'),
  };
  /** Of everything that is published, so that what arrives can be told apart. */
  let number = 0;

  async function register(path: string, eventFormat: string): Promise<string> {
    const webhook = {
      name: path,
      destination: receiver.url + path,
      eventTypes: ['*'],
      payload: { eventFormat },
      limits: { concurrency: 32 },
    };
    const { secret } = await call('WebhookService/Register', { webhook });
    return String(secret);
  }

  async function publish(open: Way, payloads: readonly SentPayload[]): Promise<readonly Answer[]> {
    const first = number;
    number += payloads.length;
    await using publisher = open(carillon);
    return await publisher.publish(
      payloads.map(({ type = 'odd.payload', data, contentType = '' }, i) =>
        create(PublishRequestSchema, {
          event: {
            type,
            contentType,
            time: TIME,
            headers: { 'x-number': String(first + i) },
            ...(data !== undefined && { data }),
          },
        }),
      ),
    );
  }

  function judge(
    arrived: ReceivedRequest,
    { name, type = 'odd.payload', raw, enveloped }: SentPayload,
  ): void {
    const path = arrived.path as keyof typeof secrets;
    const { body } = arrived;
    assertGenuine(arrived, secrets[path]);
    const expected =
      path === '/raw'
        ? raw
        : Buffer.from(`{"type":"${type}","timestamp":"${TIMESTAMP}","data":${enveloped}}`);
    // As text a difference can be read, but it is the bytes that must be the same.
    if (!body.equals(expected)) {
      assert.equal(body.toString('latin1'), Buffer.from(expected).toString('latin1'), `${name} at ${path}`);
    }
  }

  return {
    async deliver(open, payloads) {
      const first = number;
      const before = receiver.requests.length;
      const answers = await publish(open, payloads);
      for (const [i, answer] of answers.entries()) {
        if (answer instanceof Refusal) throw new Error(`${payloads[i]!.name} was refused`, { cause: answer });
        assert.equal(answer.deliveryCount, 2, payloads[i]!.name);
      }
      const requests = await receiver.received(before + 2 * payloads.length, PATIENCE_MS);
      const seen = new Set<string>();
      for (const request of requests.slice(before)) {
        const index = Number(request.headers['x-number']) - first;
        const payload = payloads[index];
        assert.ok(payload, `a request for event ${request.headers['x-number']}`);
        judge(request, payload);
        seen.add(`${request.path} ${index}`);
      }
      assert.equal(seen.size, 2 * payloads.length);
    },
    async refuse(open, payloads) {
      const answers = await publish(
        open,
        payloads.map(([payload]) => payload),
      );
      for (const [i, [{ name }, field]] of payloads.entries()) {
        const answer = answers[i];
        assert.ok(answer instanceof Refusal, `${name} was taken`);
        assert.deepEqual([answer.code, answer.fields], [Code.InvalidArgument, [field]], name);
      }
    },
    async [Symbol.asyncDispose]() {
      await carillon[Symbol.asyncDispose]();
      await receiver.close();
    },
  };
}
