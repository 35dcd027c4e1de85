import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  EventSchema,
  PublishBatchRequestSchema,
  type PublishRequest,
  PublishRequestSchema,
} from '../../../gen/carillon/v1/event_pb.ts';
import { ANONYMOUS } from '../../../src/domain/access/principal.ts';
import { judgePublish } from '../../../src/rpc/event/publish-judge.ts';
import { lazyRules } from '../../../src/rpc/proto-rules.ts';
import { T0 } from '../../support/store.ts';

/** A text around a length that a rule names, of characters that a rule allows or not. */
function around(length: number, allowed: string, others: string): fc.Arbitrary<string> {
  const characters = fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...allowed) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
  const lengths = fc.constantFrom(0, 1, 5, length - 1, length, length + 1);
  return fc
    .tuple(lengths, fc.array(characters, { minLength: 1, maxLength: 12 }), fc.boolean())
    .map(([count, some, plain]) =>
      plain
        ? allowed[0]!.repeat(count)
        : some
            .join('')
            .repeat(Math.ceil(count / some.length))
            .slice(0, count),
    )
    .filter((text) => text.isWellFormed());
}

const seconds = fc.bigInt({ min: -400n * 86_400n, max: 400n * 86_400n });
const due: fc.Arbitrary<PublishRequest['due']> = fc.oneof(
  fc.constant({ case: undefined }),
  fc
    .record({
      seconds: fc.oneof(seconds, fc.constantFrom(0n, -1n, 31_622_400n, 31_622_401n)),
      nanos: fc.constantFrom(0, 1, -1, 1_000_000, 999_000_000),
    })
    .map((value) => ({ case: 'delay', value: { $typeName: 'google.protobuf.Duration', ...value } }) as const),
  seconds.map(
    (after) =>
      ({
        case: 'deliverTime',
        value: { $typeName: 'google.protobuf.Timestamp', seconds: BigInt(T0 / 1000) + after, nanos: 0 },
      }) as const,
  ),
);
const extensionCount = fc.constantFrom(0, 1, 15, 16, 17);
const headerCount = fc.constantFrom(0, 1, 31, 32, 33);
const request: fc.Arbitrary<PublishRequest> = fc
  .record({
    id: around(128, 'aZ0_.:-', ' é/'),
    namespace: fc.constantFrom('', 'default', 'n'.repeat(63), 'n'.repeat(64)),
    type: around(128, 'aZ0_.-/', ' é:*'),
    source: around(2048, 'a/', ' é'),
    subject: around(1024, 'aé 𝄞', '\0'),
    contentType: fc.oneof(
      around(256, 'a', '/ '),
      fc.integer({ min: 250, max: 258 }).map((length) => `a/${'b'.repeat(length - 2)}`),
    ),
    headerCount,
    extensionCount,
    due,
  })
  .map(({ headerCount: count, extensionCount: extra, due: time, ...event }) => {
    const headers = Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, 'a']));
    const extensions = Object.fromEntries(Array.from({ length: extra }, (_, i) => [`x${i}`, 'a']));
    const message = create(PublishRequestSchema, {
      event: create(EventSchema, { ...event, headers, extensions }),
    });
    message.due = time;
    return message;
  });

function fieldsOf(message: PublishRequest): string[] {
  const judged = judgePublish(message, ANONYMOUS, T0);
  return 'refused' in judged ? judged.refused.violations.map(({ field }) => field) : [];
}

describe('What is checked by hand of an event to publish', () => {
  const rules = lazyRules();

  it('is at least what the proto file says', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(request, async (message) => {
        const byHand = fieldsOf(message);
        for (const { field } of await rules.violationsOf(PublishRequestSchema, message)) {
          assert.ok(byHand.includes(field), `${field} is not among ${byHand.join(', ')}`);
          seen.add(field);
        }
      }),
      { numRuns: 500, seed: 42 },
    );
    // The inputs break every rule that there is, or this would prove little.
    assert.deepEqual([...seen].sort(), [
      'delay',
      'event.content_type',
      'event.extensions',
      'event.headers',
      'event.id',
      'event.namespace',
      'event.source',
      'event.subject',
      'event.type',
    ]);
  });

  it('lets everything pass that is at the bounds of the proto file', () => {
    const headers = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`x-${i}`, 'a']));
    const message = create(PublishRequestSchema, {
      event: {
        id: 'a_.:-'.repeat(26).slice(0, 128),
        namespace: 'default',
        type: 'a'.repeat(128),
        source: `/${'a'.repeat(2047)}`,
        subject: '𝄞'.repeat(1024),
        contentType: `a/${'b'.repeat(254)}`,
        headers,
        extensions: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`x${i}`, 'a'])),
      },
      due: { case: 'delay', value: { seconds: 31_622_400n } },
    });
    assert.deepEqual(fieldsOf(message), []);
  });

  it('says of a missing event and of a batch that is too large what the proto file does', async () => {
    const missing = create(PublishRequestSchema, {});
    const found = await rules.violationsOf(PublishRequestSchema, missing);
    assert.deepEqual(
      fieldsOf(missing),
      found.map(({ field }) => field),
    );
    for (const length of [0, 1, 1000, 1001]) {
      const event = create(EventSchema, { type: 'a' });
      const requests = Array.from({ length }, () => create(PublishRequestSchema, { event }));
      const broken = await rules.violationsOf(
        PublishBatchRequestSchema,
        create(PublishBatchRequestSchema, { requests }),
      );
      assert.equal(broken.length === 0, length >= 1 && length <= 1000);
    }
  });
});
