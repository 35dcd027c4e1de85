import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../../../src/domain/delivery/attempt.ts';
import { redacted } from '../../../src/domain/webhook/redact.ts';

const TOKEN = 'Bearer a-café-of-some-length';

function answer(body: string, { truncated = false, encoding = 'utf8' as BufferEncoding } = {}): Outcome {
  const tried = { startedAt: 0, durationMs: 1, timing: {} };
  const headers = { 'x-echo': `you sent ${TOKEN}`, server: 'x' };
  return {
    kind: 'answered',
    status: 401,
    headers,
    body: new Uint8Array(Buffer.from(body, encoding)),
    truncated,
    ...tried,
  };
}

function bodyOf(outcome: Outcome): string {
  assert.ok(outcome.kind === 'answered');
  return Buffer.from(outcome.body).toString();
}

describe('an answer that repeats what was sent', () => {
  it('is kept without it, in its headers and its body', () => {
    const kept = redacted(answer(`<${TOKEN}> <${TOKEN}>`), [TOKEN]);
    assert.ok(kept.kind === 'answered');
    assert.deepEqual(kept.headers, { 'x-echo': 'you sent ***', server: 'x' });
    assert.equal(bodyOf(kept), '<***> <***>');
  });

  it('is kept without the token alone, and whether or not it is in UTF-8', () => {
    const token = TOKEN.slice('Bearer '.length);
    assert.equal(bodyOf(redacted(answer(`no ${token}!`), [TOKEN])), 'no ***!');
    assert.equal(bodyOf(redacted(answer(`no ${token}!`, { encoding: 'latin1' }), [TOKEN])), 'no ***!');
  });

  it('is kept without it as JSON writes it', () => {
    const secret = 'with "quotes" and a \\';
    const kept = redacted(answer(JSON.stringify({ secret })), [secret]);
    assert.equal(bodyOf(kept), '{"secret":"***"}');
  });

  it('is kept without the beginning of it where the rest was cut off', () => {
    const begun = TOKEN.slice(0, 12);
    assert.equal(bodyOf(redacted(answer(`no ${begun}`, { truncated: true }), [TOKEN])), 'no ***');
    assert.equal(bodyOf(redacted(answer(`no ${begun}`), [TOKEN])), `no ${begun}`);
  });

  it('is kept as it is where what it repeats is too short to be told from other text', () => {
    assert.equal(bodyOf(redacted(answer('a pin of 1234'), ['1234'])), 'a pin of 1234');
  });

  it('is the very same when nothing secret was sent', () => {
    const plain = answer('x');
    assert.equal(redacted(plain, []), plain);
  });
});
