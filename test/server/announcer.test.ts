import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DomainError } from '../../src/domain/error.ts';
import type { DeliveryFailed } from '../../src/domain/webhook/operational.ts';
import type { NewEvent, Published } from '../../src/publish/publisher.ts';
import { createAnnouncer, QUEUED_MAX } from '../../src/server/announcer.ts';
import { recordingLog } from '../support/log.ts';

function failed(n: number): DeliveryFailed {
  return {
    type: 'carillon.delivery.failed',
    namespace: 'tenant',
    time: Date.UTC(2026, 0, 1),
    webhook: { id: 'wh_1', uid: 'wh_1', name: 'joe', destination: 'https://example.com/' },
    delivery: { id: `msg_${n}`, eventId: 'evt_1', eventType: 'order.paid', attemptCount: 1 },
    reason: 'EXHAUSTED',
  };
}

/** A publisher that takes every event down and answers as told, when told. */
function aPublisher(answer: (batch: readonly NewEvent[]) => Promise<Published[]>) {
  const events: NewEvent[] = [];
  return {
    events,
    publish(batch: readonly NewEvent[]) {
      events.push(...batch);
      return answer(batch);
    },
  };
}

const PUBLISHED: Published = { kind: 'PUBLISHED', id: 'evt_2', deliveries: 0, duplicate: false };

describe('the announcer', () => {
  it('publishes what it is told, in order, in the namespace of its webhook, as JSON', async () => {
    const publisher = aPublisher(async (batch) => batch.map(() => PUBLISHED));
    const { log, lines } = recordingLog();
    const announcer = createAnnouncer({ publisher, log });
    for (let n = 0; n < 250; n++) announcer.announce(failed(n));
    await announcer.flush();
    const ids = publisher.events.map(
      ({ data }) => JSON.parse(new TextDecoder().decode(data.body)).delivery.id,
    );
    assert.deepEqual(
      ids,
      Array.from({ length: 250 }, (_, n) => `msg_${n}`),
    );
    const [event] = publisher.events;
    assert.deepEqual(
      [event!.namespace, event!.type, event!.time, event!.data.kind],
      ['tenant', 'carillon.delivery.failed', Date.UTC(2026, 0, 1), 'json'],
    );
    assert.deepEqual(lines, []);
  });

  it('logs what cannot be published, once for each reason, and goes on', async () => {
    const full: Published = { kind: 'FULL' };
    const answers = [
      async (batch: readonly NewEvent[]) => batch.map(() => full),
      () => Promise.reject(new DomainError('DATABASE_UNAVAILABLE', 'the database is closed')),
      async () => [PUBLISHED],
      async () => [PUBLISHED],
      async (batch: readonly NewEvent[]) => batch.map(() => full),
    ];
    const publisher = aPublisher((batch) => answers.shift()!(batch));
    const { log, lines } = recordingLog();
    const announcer = createAnnouncer({ publisher, log });
    for (let n = 0; n < 3; n++) {
      announcer.announce(failed(n));
      await announcer.flush();
    }
    // The first is published at once, and the others together.
    for (let n = 3; n < 10; n++) announcer.announce(failed(n));
    await announcer.flush();
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields.deliveryId, fields.events, fields.reason]),
      [
        ['error', 'msg_0', 1, 'FULL'],
        ['error', 'msg_1', 1, 'the database is closed'],
        ['error', 'msg_4', 6, 'FULL'],
      ],
    );
    assert.equal(publisher.events.length, 10);
  });

  it('leaves out what comes while too many wait, and says so in one line', async () => {
    const busy = Promise.withResolvers<void>();
    const publisher = aPublisher(async (batch) => {
      await busy.promise;
      return batch.map(() => PUBLISHED);
    });
    const { log, lines } = recordingLog();
    const announcer = createAnnouncer({ publisher, log });
    // The first is being published, and waits no longer.
    for (let n = 0; n < 1 + QUEUED_MAX + 2; n++) announcer.announce(failed(n));
    busy.resolve();
    await announcer.flush();
    assert.equal(publisher.events.length, 1 + QUEUED_MAX);
    assert.deepEqual(
      lines.map(({ fields }) => [fields.deliveryId, fields.events, fields.reason]),
      [[`msg_${QUEUED_MAX + 1}`, 2, 'too many are waiting']],
    );
  });
});
