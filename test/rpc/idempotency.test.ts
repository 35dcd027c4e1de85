import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type DescFile, type DescMethod, ScalarType } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel as Level } from '@bufbuild/protobuf/wkt';
import { createServiceImplSpec, type MethodImplSpec } from '@connectrpc/connect';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { doneOnce } from '../../src/rpc/transport/once.ts';

/** What every method of every service of ours says about being called twice. Descriptors and proto files are walked. */

const ROOT = join(import.meta.dirname, '../..');
const PROTO = join(ROOT, 'proto/carillon/v1');
const names = readdirSync(PROTO).map((name) => name.replace(/\.proto$/, ''));

async function descriptorOf(name: string): Promise<DescFile> {
  const generated = (await import(join(ROOT, `gen/carillon/v1/${name}_pb.ts`))) as Record<string, DescFile>;
  return generated[`file_carillon_v1_${name}`] ?? assert.fail(`${name} has no descriptor`);
}

const files = await Promise.all(names.map(descriptorOf));
const methods = files.flatMap(({ services }) => services.flatMap((service) => service.methods));
const text = names.map((name) => readFileSync(join(PROTO, `${name}.proto`), 'utf8')).join('\n');

/** Those that do more when they are called again. The comment of each says so, and what to do. */
const NOT_IDEMPOTENT: ReadonlySet<string> = new Set([
  'WebhookService.Trigger',
  'WebhookService.RotateSecret',
  'EventService.Publish',
  'EventService.PublishBatch',
  'EventService.PublishStream',
  'EventService.ReplayEvents',
  'DeliveryService.RetryDelivery',
  'DeliveryService.RetryDeliveries',
  'AdminService.CreateApiKey',
]);

/**
 * A stream is no call that can be made again: each of its events has an id. And an answer with a key in it is not kept,
 * so that no key is.
 */
const WITHOUT_REQUEST_ID: ReadonlySet<string> = new Set([
  'EventService.PublishStream',
  'AdminService.CreateApiKey',
]);

const called = ({ parent, name }: DescMethod) => `${parent.name}.${name}`;

function commentOf({ name }: DescMethod): string {
  const [, comment = ''] = new RegExp(`((?:  //[^\\n]*\\n)+)  rpc ${name}\\(`).exec(text) ?? [];
  return comment.replaceAll(/\s*\/\/ /g, ' ');
}

describe('Every method of ours', () => {
  it('is found by this test', () => {
    assert.ok(methods.length >= 21);
    const found = new Set(methods.map(called));
    for (const name of [...NOT_IDEMPOTENT, ...WITHOUT_REQUEST_ID]) assert.ok(found.has(name), name);
  });

  for (const method of methods) {
    const name = called(method);
    const changes = method.idempotency !== Level.NO_SIDE_EFFECTS;
    it(`says whether it is idempotent: ${name}`, () => {
      if (NOT_IDEMPOTENT.has(name)) {
        assert.equal(method.idempotency, Level.IDEMPOTENCY_UNKNOWN);
        assert.match(commentOf(method), /\bnot idempotent\b/i);
      } else assert.notEqual(method.idempotency, Level.IDEMPOTENCY_UNKNOWN);
    });

    it(`can be given a name if it changes something, and only then: ${name}`, () => {
      const field = method.input.field.requestId;
      assert.equal(field !== undefined, changes && !WITHOUT_REQUEST_ID.has(name));
      if (field === undefined) return;
      assert.deepEqual([field.scalar, field.name, field.number], [ScalarType.STRING, 'request_id', 15]);
      const { file } = method.input;
      const source = readFileSync(join(ROOT, `proto/${file.name}.proto`), 'utf8');
      const message = new RegExp(`message ${method.input.name} \\{[\\s\\S]*?\\n\\}`).exec(source)?.[0] ?? '';
      assert.match(message, /string request_id = 15 \[\(buf\.validate\.field\)\.string\.max_len = 64\];/);
    });
  }
});

describe('A method whose request declares request_id', () => {
  const impl = async () => ({});
  const specOf = (implementation: object): MethodImplSpec[] =>
    Object.values(createServiceImplSpec(WebhookService, implementation).methods);
  const once = () => assert.fail('it has no name');

  it('is done once for each, and any other is left as it is', () => {
    const specs = specOf({ trigger: impl, get: impl });
    for (const spec of specs) {
      const wrapped = doneOnce(spec, { once, heeding: new Set() });
      assert.equal(wrapped === spec, spec.method.input.field.requestId === undefined, spec.method.name);
    }
  });
});
